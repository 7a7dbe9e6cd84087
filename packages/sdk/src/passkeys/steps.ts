import { type AuthenticationResponseJSON, platformAuthenticatorIsAvailable } from '@simplewebauthn/browser'
import type { ActionClient } from '../client/client.ts'
import type { PasskeyRequestOptions, ProvenAction } from '../client/wire.ts'
import {
  canAutofill,
  createPasskey,
  forgetUnknown,
  type MadePasskey,
  stopPasskeys,
  type UsedPasskey,
  usePasskey,
} from './ceremony.ts'

/** The passkeys of one sign-in: what the element loads when a browser has such a thing. */
export interface PasskeySteps {
  /**
   * Offers passkeys in the address field, until one is chosen or `stop`: then `onChosen`. It asks anew before a challenge runs
   * out, a few times: a page that is left open is no reason to ask for ever. `impossible`: not on this page. Nothing where it
   * does so already.
   */
  listen(onChosen: (used: AuthenticationResponseJSON) => void): Promise<'impossible' | null>
  /** Asks for one by the browser's own window. */
  ask(): Promise<UsedPasskey>
  /** Answers with it. A refusal is thrown; `mayForget`: what it may mean is told to the password manager. */
  prove(used: AuthenticationResponseJSON, mayForget: boolean): Promise<ProvenAction>
  /** Whether this device can make one by itself, so that the offer makes sense. */
  canMake(): Promise<boolean>
  /** Takes the offer: has the browser make one. */
  make(): Promise<MadePasskey>
  /** Ends `listen`, and nothing else. */
  rest(): void
  stop(): void
}

const FRESH_MS = 4 * 60_000
const MOST_ASKED = 8

export function passkeySteps(client: ActionClient, signal: AbortSignal): PasskeySteps {
  let asked: { publicKey: PasskeyRequestOptions; until: number } | null = null
  let count = 0
  /** Whose turn it is: what was stopped meanwhile does nothing more. */
  let turn: object | null = null
  let isListening = false
  let renewal: ReturnType<typeof setTimeout> | undefined

  /** One challenge serves the field and the button, whichever is first: a press need not wait for a call. */
  async function options(): Promise<PasskeyRequestOptions> {
    if (asked === null || Date.now() > asked.until) {
      count++
      const { publicKey } = await client.askForPasskey({ signal })
      asked = { publicKey, until: Date.now() + FRESH_MS }
    }
    return asked.publicKey
  }

  function stop() {
    turn = null
    isListening = false
    clearTimeout(renewal)
    stopPasskeys()
  }

  function begin(): object {
    stop()
    turn = {}
    return turn
  }

  return {
    async listen(onChosen) {
      if (isListening) return null
      const own = begin()
      isListening = true
      if (!(await canAutofill())) return null
      while (turn === own && count < MOST_ASKED && !signal.aborted) {
        const publicKey = await options()
        if (turn !== own) return null
        clearTimeout(renewal)
        renewal = setTimeout(stopPasskeys, FRESH_MS)
        const used = await usePasskey(publicKey, true)
        if (turn !== own) return null
        if (used === 'impossible') return used
        if (typeof used !== 'string') {
          stop()
          onChosen(used)
          return null
        }
        // Given up in the browser's window, or run out: the next round has a challenge of its own.
        asked = null
      }
      return null
    },
    async ask() {
      const own = begin()
      const publicKey = await options()
      return turn === own ? await usePasskey(publicKey) : 'stopped'
    },
    async prove(used, mayForget) {
      const rpId = asked?.publicKey.rpId ?? ''
      // Judged once, whatever comes.
      asked = null
      try {
        return await client.verifyPasskey(used, { signal })
      } catch (error) {
        if (mayForget && (error as { code?: string }).code === 'token_invalid') forgetUnknown(rpId, used)
        throw error
      }
    },
    canMake: () => platformAuthenticatorIsAvailable().catch(() => false),
    async make() {
      const own = begin()
      const { publicKey } = await client.enroll({ signal })
      return turn === own ? await createPasskey(publicKey) : 'stopped'
    },
    rest() {
      if (isListening) stop()
    },
    stop,
  }
}
