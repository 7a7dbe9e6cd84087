import type { BrowserContextOptions } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { faultsOf } from '../setup/axe.ts'
import { hasBrowser, openWindow, type Person, picture, useBrowser } from '../setup/browser.ts'
import { hostedPage } from '../setup/hosted-page.ts'
import { type DevServer, startDev } from '../setup/process.ts'

/** The box of `device.askToRemember`, on the page of the element and on the one without scripts. */
describe.skipIf(!hasBrowser)('a page that asks whether a device may be remembered', () => {
  useBrowser()
  let server: DevServer
  let hosted: ReturnType<typeof hostedPage>
  let count = 0
  beforeAll(async () => {
    server = await startDev()
    hosted = hostedPage(server)
    await hosted.api('PATCH', '/v1/settings', { device: { askToRemember: true } })
  })

  const boxOf = ({ page }: Person) => page.getByRole('checkbox', { name: 'Remember this device' })
  const remembered = async (address: string): Promise<(string | null)[]> => {
    const { body } = await hosted.api('GET', `/v1/users?email=${address}`)
    const devices = await hosted.api('GET', `/v1/users/${body.data[0].id}/devices`)
    return devices.body.data.map((one: { rememberedUntil: string | null }) => one.rememberedUntil)
  }
  const toCode = async ({ page }: Person, address: string) => {
    await page.goto(hosted.addressOf({ locale: 'en' }))
    return await hosted.askForCode(page, address)
  }
  const isIn = async (person: Person, address: string, code: string) => {
    await person.page.locator('input[name=code]').fill(code)
    await person.page.keyboard.press('Enter')
    await hosted.arrived(person.page, address)
  }

  it('remembers who ticks it, for this sign-in, and nobody else', async () => {
    const person = await openWindow(server.url)
    const address = `remember${++count}@example.com`
    await isIn(person, address, await toCode(person, address))
    expect(await remembered(address)).toEqual([null])

    const code = await toCode(person, address)
    expect(await boxOf(person).isChecked()).toBe(false)
    await boxOf(person).check()
    // A reload, or the number of another tab, forgets nothing of it.
    await person.page.reload()
    await person.page.locator('input[name=code]').waitFor()
    expect(await boxOf(person).isChecked()).toBe(true)
    await isIn(person, address, code)
    expect(await remembered(address)).toEqual([expect.stringMatching(/Z$/)])

    await toCode(person, `remember${++count}@example.com`)
    expect(await boxOf(person).isChecked()).toBe(false)
    expect(person.complaints).toEqual([])
    await person.close()
  })

  it.each<[name: string, options: BrowserContextOptions]>([
    ['light-wide', { colorScheme: 'light' }],
    ['dark-narrow', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ])('fits, %s, and axe finds nothing', async (name, options) => {
    const person = await openWindow(server.url, options)
    await toCode(person, `remember${++count}@example.com`)
    await boxOf(person).waitFor()
    expect(await faultsOf(person.page)).toEqual([])
    await picture(person.page, `remember-${name}`)
    await person.close()
  })

  it('asks in the form where there are no scripts', async () => {
    const person = await openWindow(server.url, { javaScriptEnabled: false })
    const address = `remember${++count}@example.com`
    const code = await toCode(person, address)
    expect(await boxOf(person).count()).toBe(1)
    await boxOf(person).check()
    await picture(person.page, 'remember-plain')
    await isIn(person, address, code)
    expect(await remembered(address)).toEqual([expect.stringMatching(/Z$/)])
    await person.close()
  })
})
