/** What becomes of sign-ins in two tabs and their mails, told without a server: a proof counts in its own action only. */

export type Link = 'same' | 'approve' | 'anywhere'

/** One challenge, as far as it decides: who may answer it, with what and until when. */
export interface Proof {
  tab: Tab
  address: Person
  kind: 'code' | 'link'
  /** Live codes, and the paths of live links. */
  answers: string[]
  attemptsLeft: number
  expiresAt: number
  /** The user that the address led to at the send. */
  owner: string | null
  isEnded: boolean
  isVerified: boolean
}

export interface Tab {
  state: 'open' | 'proven' | 'failed'
  address: Person | null
  proof: Proof | null
  approval: { number: string; browser: number; expiresAt: number } | null
  hasRedirect: boolean
  codeChallenge: string | null
  expiresAt: number
  result: Result | null
  /** Whom the proof led to. */
  userId: string | null
  /** A rule asks for a passkey, and takes one that is enrolled: then the proof by mail alone proves nothing. */
  takesEnrolment: boolean
  /** That proof, while the passkey is due or once it is there. */
  mail: Proof | null
  /** The person has a passkey by now: none is enrolled beside it. */
  asksTheirs: boolean
}

export interface Result {
  token: string
  tab: Tab
  expiresAt: number
  isRedeemed: boolean
}

/** Somebody with a mailbox; the user of it, where there is one. */
export interface Person {
  to: string
  userId: string | null
  isBlocked: boolean
  wrongNumbers: number
  hasPasskey: boolean
}

export const newTab = (
  now: number,
  hasRedirect: boolean,
  codeChallenge: string | null,
  takesEnrolment = false,
): Tab => ({
  state: 'open',
  address: null,
  proof: null,
  approval: null,
  hasRedirect,
  codeChallenge,
  expiresAt: now + 15 * 60_000,
  result: null,
  userId: null,
  takesEnrolment,
  mail: null,
  asksTheirs: false,
})

export const isOpen = (tab: Tab, now: number) => tab.state === 'open' && now < tab.expiresAt

export function stepOf(tab: Tab, now: number): string {
  if (tab.state === 'proven') return 'done'
  if (!isOpen(tab, now)) return 'ended'
  if (tab.mail !== null) return tab.asksTheirs ? 'method' : 'enroll'
  if (tab.address === null) return 'identify'
  if (tab.proof === null) return 'method'
  if (tab.approval && now < tab.approval.expiresAt) return 'approve'
  return tab.proof.kind
}

/** Whether an answer to the challenge would be judged at all. */
export const isLive = (proof: Proof, now: number) =>
  isOpen(proof.tab, now) &&
  proof.tab.proof === proof &&
  !proof.isEnded &&
  !proof.isVerified &&
  proof.attemptsLeft > 0 &&
  now < proof.expiresAt

/** A right answer: whether it proves. The address may have come to somebody else since the send. */
export function prove(proof: Proof): boolean {
  if (proof.address.userId !== proof.owner) {
    proof.isEnded = true
    return false
  }
  proof.isVerified = true
  const { tab, address } = proof
  if (tab.takesEnrolment)
    Object.assign(tab, { mail: proof, proof: null, approval: null, asksTheirs: address.hasPasskey })
  else Object.assign(tab, { state: 'proven', approval: null })
  return true
}

/** Enrols in the tab: whether that proves it. The mail that led here must not have been ended meanwhile. */
export function enrol(tab: Tab, now: number): boolean {
  if (stepOf(tab, now) !== 'enroll' || !tab.mail) return false
  const { address, isEnded } = tab.mail
  if (address.hasPasskey) tab.asksTheirs = true
  if (address.hasPasskey || isEnded) return false
  address.hasPasskey = true
  tab.state = 'proven'
  return true
}

/** Blocked, deleted or signed out: what waits for a session is over, and what is pending unless only signed out. */
export function end(proofs: Proof[], person: Person, isPendingToo: boolean): void {
  for (const proof of proofs)
    if (proof.address === person && (isPendingToo || proof.isVerified) && !proof.tab.result?.isRedeemed)
      proof.isEnded = true
}

/** What a result token comes to: a session, the same without one, or nothing. */
export function redeem({ tab, isRedeemed, expiresAt }: Result, now: number): 'session' | 'again' | 'nothing' {
  const proof = tab.mail ?? tab.proof
  if (!proof || proof.address.isBlocked || proof.address.userId !== tab.userId) return 'nothing'
  if (isRedeemed) return now < tab.expiresAt ? 'again' : 'nothing'
  return !proof.isEnded && now < expiresAt ? 'session' : 'nothing'
}
