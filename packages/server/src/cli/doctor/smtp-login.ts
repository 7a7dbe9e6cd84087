import { tryLogin } from '../../delivery/smtp-login.ts'
import { type Finding, fail, ok } from './finding.ts'

/** Whether the mail server lets us in. No mail is sent: that is what `ostiary send-test` does. */
export async function checkSmtp(
  name: string,
  url: string,
  login: (options: { url: string }) => Promise<void> = tryLogin,
): Promise<Finding> {
  const { host } = new URL(url)
  try {
    await login({ url })
    return ok('smtp', `${host} lets us in (${name})`)
  } catch (error) {
    return fail(
      'smtp',
      `${name}: ${(error as Error).message}`,
      'check host, port, user and password, and that this machine may reach it',
    )
  }
}
