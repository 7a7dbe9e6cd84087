import {
  type AuthenticationResponseJSON,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialCreationOptionsJSON,
  type RegistrationResponseJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from '@simplewebauthn/browser'
import type { PasskeyCreationOptions, PasskeyRequestOptions } from '../client/wire.ts'

/**
 * Why there is no credential. `cancelled`: the person gave up, took too long, or has none here (browsers do not tell which).
 * `stopped`: another ceremony began, or `stopPasskeys`. `exists`: this device holds one for the account. `impossible`: a page of
 * this origin cannot use these passkeys (its relying party id is another's), or the browser cannot make such.
 */
export type PasskeyProblem = 'cancelled' | 'stopped' | 'exists' | 'impossible'

export type UsedPasskey = AuthenticationResponseJSON | PasskeyProblem
export type MadePasskey = RegistrationResponseJSON | PasskeyProblem

/** Asks the browser for a passkey. `isAutofill`: it offers them in the address field, and waits until one is chosen. */
export async function usePasskey(options: PasskeyRequestOptions, isAutofill = false): Promise<UsedPasskey> {
  try {
    return await startAuthentication({
      optionsJSON: options as Parameters<typeof startAuthentication>[0]['optionsJSON'],
      useBrowserAutofill: isAutofill,
      // The field may stand in a shadow root, where the library does not look.
      verifyBrowserAutofillInput: false,
    })
  } catch (error) {
    return problemOf(error)
  }
}

/** Has the browser make a passkey. */
export async function createPasskey(options: PasskeyCreationOptions): Promise<MadePasskey> {
  try {
    return await startRegistration({ optionsJSON: options as PublicKeyCredentialCreationOptionsJSON })
  } catch (error) {
    return problemOf(error)
  }
}

/** Ends the ceremony that is under way. */
export function stopPasskeys(): void {
  WebAuthnAbortService.cancelCeremony()
}

/** Whether the browser offers passkeys in a field. */
export function canAutofill(): Promise<boolean> {
  return browserSupportsWebAuthnAutofill().catch(() => false)
}

// The library wraps some errors in its own; the browser's own is the cause.
function problemOf(error: unknown): PasskeyProblem {
  const { name } = ((error as Error | null)?.cause ?? error ?? {}) as { name?: string }
  if (name === 'AbortError') return 'stopped'
  if (name === 'NotAllowedError') return 'cancelled'
  if (name === 'InvalidStateError') return 'exists'
  return name === 'SecurityError' || name === 'NotSupportedError' ? 'impossible' : 'cancelled'
}

interface Signals {
  signalUnknownCredential?(options: object): Promise<void>
  signalAllAcceptedCredentials?(options: object): Promise<void>
}

const signals = (): Signals => (globalThis.PublicKeyCredential ?? {}) as Signals

/**
 * Tells the person's password manager that a refused passkey leads nowhere, so that it is offered no more (WebAuthn Level 3,
 * 5.1.10.3). Only for one that is Ostiary's by its user handle, and that has no counter: another service may share the relying
 * party id, and a counter is a reason of its own to refuse. False where nothing was said.
 */
export function forgetUnknown(rpId: string, used: AuthenticationResponseJSON): boolean {
  const handle = textOf(used.response.userHandle ?? '')
  const counter = bytesOf(used.response.authenticatorData).slice(33, 37)
  if (!/^usr_[0-9a-z]+$/.test(handle) || counter.length < 4 || counter.some(byte => byte !== 0)) return false
  const { signalUnknownCredential } = signals()
  if (!signalUnknownCredential) return false
  void signalUnknownCredential
    .call(globalThis.PublicKeyCredential, { rpId, credentialId: used.id })
    .catch(() => {})
  return true
}

/** Tells the password manager which of the person's passkeys are left (WebAuthn Level 3, 5.1.10.4). */
export function keepOnly(rpId: string, userId: string, credentialIds: readonly string[]): void {
  const handle = btoa(userId).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  void signals()
    .signalAllAcceptedCredentials?.call(globalThis.PublicKeyCredential, {
      rpId,
      userId: handle,
      allAcceptedCredentialIds: credentialIds,
    })
    .catch(() => {})
}

function textOf(base64url: string): string {
  return String.fromCharCode(...bytesOf(base64url))
}

function bytesOf(base64url: string): number[] {
  try {
    return [...atob(base64url.replaceAll('-', '+').replaceAll('_', '/'))].map(char => char.charCodeAt(0))
  } catch {
    return []
  }
}
