import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, picture, useBrowser } from '../setup/browser.ts'
import { apiOf, type DevServer, startDev } from '../setup/process.ts'

const LOOKS = [
  { colorScheme: 'light', width: 360 },
  { colorScheme: 'dark', width: 1280 },
  // Two looks find what is wrong; pictures are taken of all four.
  ...(process.env.SCREENSHOTS
    ? ([
        { colorScheme: 'light', width: 1280 },
        { colorScheme: 'dark', width: 360 },
      ] as const)
    : []),
] as const

describe.skipIf(!hasBrowser)('every page', () => {
  useBrowser()
  let server: DevServer
  beforeAll(async () => {
    server = await startDev()
  })

  it.each(LOOKS)(
    '$colorScheme, $width wide: fits, complains of nothing, and axe finds nothing',
    async look => {
      const { colorScheme, width } = look
      const api = apiOf(server.url, server.facts.secretKey)
      const person = await openWindow(server.url, {
        colorScheme,
        viewport: { width, height: 800 },
        // A step that fades in is judged when it is there.
        reducedMotion: 'reduce',
        // The checker is put into the page; the page's own policy would keep it out. Nothing else here tests the policy.
        bypassCSP: true,
      })
      const { page } = person
      const faults: string[] = []
      const judge = async (name: string, on = page) => {
        // With its styles: a heading can be found before they are there.
        await on.waitForLoadState('load')
        await picture(on, `${name}-${colorScheme}-${width}`)
        faults.push(...(await faultsOf(on)).map(fault => `${name}: ${fault}`))
      }

      await page.goto(`${server.url}/dev/inbox`)
      await page.locator('#state[data-state="live"]').waitFor()
      await judge('inbox-empty-or-first')
      await page.goto(`${server.url}/docs/errors`)
      await judge('errors')
      await page.goto(`${server.url}/`)
      await page.locator('ostiary-sign-in input').waitFor()
      await judge('demo-address')
      const address = `a.person.with.a.long.address+${colorScheme}${width}@mail.example.com`
      await page.locator('ostiary-sign-in input').fill(address)
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: /With a code/ }).click()
      await page.locator('input[name=code]').waitFor()
      await judge('demo-code')
      const { body } = await api('GET', `/v1/messages?to=${encodeURIComponent(address)}`)
      const [{ code, challengeId }] = body.data
      await page.locator('input[name=code]').pressSequentially(code === '111111' ? '222222' : '111111')
      await page.locator('[aria-invalid=true]').waitFor()
      await judge('demo-wrong-code')

      await page.goto(`${server.url}/dev/inbox#${challengeId}`)
      await page.locator('#digits').waitFor()
      await page.frameLocator('#frame').locator('h1, h2, p').first().waitFor()
      await judge('inbox')
      await page.getByRole('tab', { name: 'Source' }).click()
      await judge('inbox-source')

      await page.goto(`${server.url}/`)
      await page.locator('ostiary-sign-in input').fill(address)
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: /With a link/ }).click()
      await page.getByText('Waiting for the link').waitFor()
      const link = (await api('GET', `/v1/messages?to=${encodeURIComponent(address)}`)).body.data[0].link
      const phone = await openWindow(server.url, {
        colorScheme,
        bypassCSP: true,
        viewport: { width, height: 800 },
        // A step that fades in is judged when it is there.
        reducedMotion: 'reduce',
      })
      await phone.page.goto(link)
      await judge('link', phone.page)
      await phone.close()
      await page.goto(link)
      await page.getByRole('heading', { name: 'You are signed in' }).waitFor()
      await judge('demo-signed-in')
      await page.goto(link)
      await judge('link-used')
      await page.goto(`${server.url}/l/olk_nothing`)
      await judge('link-unknown')

      expect(faults).toEqual([])
      expect(person.complaints).toEqual([])
      await person.close()
    },
  )
})
