import type { CDPSession, Page } from 'playwright-core'

/** An authenticator of Chromium's own (WebAuthn Level 3, section 11) beside one page. It says yes to everything until told. */
export interface VirtualAuthenticator {
  id: string
  cdp: CDPSession
  /** The passkeys in it. */
  credentials(): Promise<{ credentialId: string; rpId?: string; userHandle?: string }[]>
  /** Whether somebody touches it when it is asked. Without that the browser's window stays open. */
  isTouched(is: boolean): Promise<void>
  /** Whether it knows the person's finger or face. */
  isVerified(is: boolean): Promise<void>
}

export async function addAuthenticator(page: Page, more: object = {}): Promise<VirtualAuthenticator> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId: id } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      defaultBackupEligibility: true,
      defaultBackupState: true,
      ...more,
    },
  })
  return {
    id,
    cdp,
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId: id })).credentials,
    isTouched: enabled =>
      cdp
        .send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: id, enabled })
        .then(() => undefined),
    isVerified: isUserVerified =>
      cdp.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified }).then(() => undefined),
  }
}
