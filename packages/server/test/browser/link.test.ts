import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { hasBrowser, openWindow, type Person, useBrowser } from '../setup/browser.ts'
import { apiOf, type Call, type DevServer, startDev } from '../setup/process.ts'

describe.skipIf(!hasBrowser)('the page behind a link', () => {
  useBrowser()
  let server: DevServer
  let api: Call
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    api = apiOf(server.url, server.facts.secretKey)
  })

  /** Asks for a link at the demo, as a visitor without JavaScript: its own forms ask by the API. */
  async function askForLink(): Promise<Person & { link: string; challengeId: string; address: string }> {
    const person = await openWindow(server.url, { javaScriptEnabled: false })
    const address = `link${++count}@example.com`
    await person.page.goto(`${server.url}/`)
    await person.page.getByLabel('E-mail address').fill(address)
    await person.page.keyboard.press('Enter')
    await person.page.locator('#code').waitFor()
    const { body } = await api('GET', `/v1/messages?to=${address}`)
    return { ...person, address, link: body.data[0].link, challengeId: body.data[0].challengeId }
  }

  const press = async (page: Page) => {
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
  }
  const statusOf = async (challengeId: string) => (await api('GET', `/v1/challenges/${challengeId}`)).body

  it('says what it asks, and one press signs in', async () => {
    const { page, link, address, challengeId, complaints, close } = await askForLink()
    const { tag } = await statusOf(challengeId)
    await page.goto(link)
    const text = (await page.locator('body').textContent()) ?? ''
    expect(text).toContain(tag)
    // The address is masked: whoever looks over a shoulder, or finds the link, does not learn it.
    expect(text).not.toContain(address)
    expect(text).toContain('@example.com')
    expect(text).toContain('Chrome')
    expect(await page.locator('script').count()).toBe(0)
    await press(page)
    expect(complaints).toEqual([])
    await close()
  })

  it('still works after everybody has looked at it', async () => {
    const asked = await askForLink()
    const { link, challengeId } = asked

    // A second browser that runs what it finds, for two seconds.
    const scanner = await openWindow(server.url, { locale: 'de-DE' })
    await scanner.page.goto(link)
    await scanner.page.getByRole('button', { name: 'Anmelden' }).waitFor()
    await scanner.page.waitForTimeout(2000)

    // Five more openings, HEADs, and a machine that follows every address it sees with GET.
    for (let opening = 0; opening < 5; opening++) {
      const answer = await fetch(link)
      expect(answer.status).toBe(200)
      const found = [...(await answer.text()).matchAll(/(?:href|src|action)="([^"]*)"/g)].map(
        ([, value]) => value ?? '',
      )
      for (const address of ['', ...found]) {
        const target = new URL(address, link)
        if (target.origin === server.url) await fetch(target, { redirect: 'manual' })
      }
      expect((await fetch(link, { method: 'HEAD' })).status).toBe(200)
    }
    await scanner.page.reload()
    // And a form that another site sends.
    const foreign = await fetch(link, {
      method: 'POST',
      headers: { 'Sec-Fetch-Site': 'cross-site' },
      redirect: 'manual',
    })
    expect(foreign.status).toBe(403)

    const before = await statusOf(challengeId)
    expect(before).toMatchObject({ status: 'pending', attemptsLeft: 5 })
    const { body } = await api('GET', `/v1/messages?challengeId=${challengeId}`)
    expect(body.data).toHaveLength(1)

    await asked.page.goto(link)
    await press(asked.page)
    expect((await statusOf(challengeId)).status).toBe('verified')
    expect([...asked.complaints, ...scanner.complaints]).toEqual([])
    await Promise.all([asked.close(), scanner.close()])
  })

  it('pressed in another browser, it signs nobody in there, and the code still works where it began', async () => {
    const asked = await askForLink()
    const other = await openWindow(server.url)
    await other.page.goto(asked.link)
    await other.page.getByRole('button', { name: 'Sign in' }).click()
    await other.page.getByRole('alert').waitFor()
    expect(await other.page.locator('main').textContent()).toContain('This browser did not ask for it')
    expect((await statusOf(asked.challengeId)).status).toBe('pending')

    const { body } = await api('GET', `/v1/messages?challengeId=${asked.challengeId}`)
    await asked.page.locator('#code').fill(body.data[0].code)
    await asked.page.keyboard.press('Enter')
    await asked.page.getByRole('heading', { name: 'You are signed in' }).waitFor()
    expect([...asked.complaints, ...other.complaints]).toEqual([])
    await Promise.all([asked.close(), other.close()])
  })

  it('cannot be framed or pressed by another origin', async () => {
    const { link, challengeId, close } = await askForLink()
    const { page, close: closeTrap } = await openWindow(server.url)
    // Another port is another origin, but the same site: no cookie would stop it.
    const elsewhere = (await startDev()).url
    await page.route(`${elsewhere}/trap`, route =>
      route.fulfill({
        contentType: 'text/html',
        body: `<iframe src="${link}"></iframe><form method="post" action="${link}"></form><script>document.forms[0].submit()</script>`,
      }),
    )
    await page.goto(`${elsewhere}/trap`)
    await page.waitForURL(link)
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.getByRole('button', { name: 'Sign in' }).count()).toBe(0)
    expect((await statusOf(challengeId)).status).toBe('pending')
    await Promise.all([close(), closeTrap()])
  })
})
