import type { AccountClient, NamedAddress } from '../client/account.ts'
import { lost, OstiaryClientError } from '../client/errors.ts'
import type { AccountView, Section } from './view.ts'
import type { AccountKey } from './word-keys.ts'

/** What each press at an account does. How one is run, and what a refusal leads to, is the flow's. */

export interface Press {
  name: string
  section: Section
  /** What it is about, for the texts. */
  values: Record<string, string>
  work(account: AccountClient): Promise<AccountKey | null>
  /** Words for a refusal that means something here. */
  refusals?: Partial<Record<string, AccountKey>>
  isFresh?: true
}

/** True when it is done. */
export interface Presses {
  addPasskey(): Promise<boolean>
  renamePasskey(id: string, name: string): Promise<boolean>
  removePasskey(id: string): Promise<boolean>
  addAddress(to: string): Promise<boolean>
  resendCode(): Promise<boolean>
  verifyAddress(code: string): Promise<boolean>
  forgetAddress(): void
  makePrimary(address: NamedAddress): Promise<boolean>
  removeAddress(address: NamedAddress): Promise<boolean>
  endSession(id: string): Promise<boolean>
  endOthers(): Promise<boolean>
}

export interface PressDeps {
  run(press: Press): Promise<boolean>
  view(): AccountView
  show(change: Partial<AccountView>): void
  reload(section: Section): Promise<void>
  passkeys(): Promise<typeof import('../passkeys.ts')>
}

const CODE_IS_OVER = ['challenge_expired', 'challenge_used', 'attempts_exhausted', 'not_found']

export function createPresses(deps: PressDeps): Presses {
  const { run, show, reload } = deps

  async function addPasskey(account: AccountClient): Promise<AccountKey> {
    const ceremonies = await deps.passkeys().catch(() => null)
    if (!ceremonies) throw lost('network_failed')
    const { challengeId, publicKey } = await account.beginPasskey()
    const made = await ceremonies.createPasskey(publicKey)
    if (made === 'exists' || made === 'impossible') return `account.passkeys.${made}`
    if (typeof made === 'string') return 'account.passkeys.cancelled'
    await account.finishPasskey(challengeId, made)
    await reload('passkeys')
    return 'account.passkeys.added'
  }

  async function removePasskey(account: AccountClient, id: string): Promise<AccountKey> {
    const { rpId, userId, acceptedCredentialIds } = await account.removeAuthenticator(id)
    // The person's password manager would go on offering it. Where that cannot be told, it is told to nobody.
    void deps
      .passkeys()
      .then(ceremonies => ceremonies.keepOnly(rpId, userId, acceptedCredentialIds))
      .catch(() => {})
    await reload('passkeys')
    return 'account.passkeys.removed'
  }

  async function verifyAddress(account: AccountClient, code: string): Promise<AccountKey> {
    try {
      const user = await account.verifyAddress(deps.view().adding?.challengeId ?? '', code)
      show({ user, adding: null })
      return 'account.addresses.added'
    } catch (error) {
      const isOver =
        error instanceof OstiaryClientError && [...CODE_IS_OVER, 'already_exists'].includes(error.code)
      if (isOver) show({ adding: null })
      throw error
    }
  }

  const ofCode = {
    code_incorrect: 'account.addresses.incorrect',
    invalid_request: 'account.addresses.short',
    already_exists: 'account.addresses.taken',
    ...Object.fromEntries(
      [...CODE_IS_OVER, 'sends_exhausted', 'resend_too_late'].map(code => [code, 'account.addresses.over']),
    ),
  } as const
  const lastWay = { state_conflict: 'account.trouble.lastWay', not_found: 'account.trouble.gone' } as const

  return {
    addPasskey: () =>
      run({
        name: 'addPasskey',
        section: 'passkeys',
        values: {},
        isFresh: true,
        work: addPasskey,
        refusals: { token_invalid: 'account.passkeys.cancelled' },
      }),
    renamePasskey: (id, name) =>
      run({
        name: `renamePasskey ${id}`,
        section: 'passkeys',
        values: { name },
        refusals: { not_found: 'account.trouble.gone', invalid_request: 'account.passkeys.nameWrong' },
        async work(account) {
          await account.renameAuthenticator(id, name)
          await reload('passkeys')
          return 'account.passkeys.renamed'
        },
      }),
    removePasskey: id =>
      run({
        name: `removePasskey ${id}`,
        section: 'passkeys',
        values: {},
        isFresh: true,
        refusals: lastWay,
        work: account => removePasskey(account, id),
      }),
    addAddress: to =>
      run({
        name: 'addAddress',
        section: 'addresses',
        values: { address: to },
        isFresh: true,
        refusals: {
          invalid_request: 'account.addresses.invalid',
          already_exists: 'account.addresses.taken',
          destination_not_allowed: 'account.addresses.refused',
          state_conflict: 'account.addresses.refused',
        },
        async work(account) {
          show({ adding: { ...(await account.addAddress(to)), to } })
          return null
        },
      }),
    resendCode: () =>
      run({
        name: 'resendCode',
        section: 'addresses',
        values: { address: deps.view().adding?.to ?? '' },
        isFresh: true,
        refusals: ofCode,
        async work(account) {
          const { adding } = deps.view()
          if (!adding) return null
          show({ adding: { ...adding, ...(await account.resendToAddress(adding.challengeId)) } })
          return 'account.addresses.resent'
        },
      }),
    verifyAddress: code =>
      run({
        name: 'verifyAddress',
        section: 'addresses',
        values: {
          address: deps.view().adding?.to ?? '',
          length: String(deps.view().adding?.codeLength ?? ''),
        },
        isFresh: true,
        refusals: ofCode,
        work: account => verifyAddress(account, code),
      }),
    forgetAddress: () => show({ adding: null, told: null }),
    makePrimary: address =>
      run({
        name: `makePrimary ${address.value}`,
        section: 'addresses',
        values: { address: address.value },
        isFresh: true,
        refusals: { state_conflict: 'account.trouble.gone', not_found: 'account.trouble.gone' },
        async work(account) {
          show({ user: await account.makePrimary(address) })
          return 'account.addresses.changed'
        },
      }),
    removeAddress: address =>
      run({
        name: `removeAddress ${address.value}`,
        section: 'addresses',
        values: { address: address.value },
        isFresh: true,
        refusals: lastWay,
        async work(account) {
          show({ user: await account.removeAddress(address) })
          return 'account.addresses.removed'
        },
      }),
    endSession: id =>
      run({
        name: `endSession ${id}`,
        section: 'sessions',
        values: {},
        async work(account) {
          await account.endSession(id)
          await reload('sessions')
          return 'account.sessions.ended'
        },
      }),
    endOthers: () =>
      run({
        name: 'endOthers',
        section: 'sessions',
        values: {},
        async work(account) {
          await account.endOtherSessions()
          await reload('sessions')
          return 'account.sessions.othersEnded'
        },
      }),
  }
}
