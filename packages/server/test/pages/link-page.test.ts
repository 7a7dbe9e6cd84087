import { describe, expect, it } from 'vitest'
import { pagePalettes } from '../../src/core/brand/page-palette.ts'
import { contrast } from '../../src/core/brand/palette.ts'
import type { LinkEnd, LinkPageInput } from '../../src/http/pages/link-page.ts'
import { linkEndPage, linkPage, numberPage } from '../../src/http/pages/link-page.ts'
import { pageTexts } from '../../src/http/pages/page-texts.ts'
import { LANGUAGES } from '../../src/words/catalogue.ts'

const now = new Date('2026-11-21T10:00:00Z')
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'

const live: LinkPageInput = {
  brandName: 'Acme Notes',
  brandColors: { light: {}, dark: {} },
  radius: 8,
  logoUrl: null,
  supportUrl: null,
  texts: pageTexts(['en'], null, 'link.'),
  nonce: 'bm9uY2U',
  now,
  maskedAddress: 'j***@example.com',
  tag: 'KFR',
  purpose: 'signIn',
  asked: { when: new Date('2026-11-21T09:58:00Z'), ipAddress: '203.0.113.7', userAgent: FIREFOX },
  expiresAt: new Date('2026-11-21T10:07:59Z'),
  pressToken: 'press-token',
  redirectOrigin: 'https://app.example',
}

const HOSTILE = `</style></title><script>alert(1)</script>"><img src=x onerror='alert(1)'>`

const textsIn = (language: string) => pageTexts([language], null, 'link.')

// Without the isolates round names (UAX 9).
function textOf(page: { html: string }): string {
  return page.html
    .replace(/[\u2068\u2069]/g, '')
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
}

describe('the page of a live link', () => {
  it('says who asked, when, where and for which address, and how long the link works', () => {
    const text = textOf(linkPage(live))
    for (const said of [
      'Sign in to Acme Notes',
      'j***@example.com',
      '2 minutes ago',
      '21 Nov 2026, 09:58 UTC',
      'Firefox on Windows',
      '203.0.113.7',
      'KFR',
      'works for another 7 minutes',
      'You did not ask for this? Close this page, nothing happens.',
    ]) {
      expect(text).toContain(said)
    }
  })

  it('has one form with one button, posts to its own address and runs no script', () => {
    const { html } = linkPage(live)
    expect(html.match(/<form/g)).toHaveLength(1)
    expect(html).toContain('<form method="post" action="">')
    expect(html).toContain('<input type="hidden" name="press" value="press-token">')
    expect(html.match(/<button/g)).toHaveLength(1)
    expect(html).not.toMatch(/<script|<meta http-equiv|\son\w+=/i)
    expect(html).toContain('<meta name="robots" content="noindex">')
    expect(html.match(/<h1/g)).toHaveLength(1)
  })

  it('names what is confirmed when it is not a sign-in', () => {
    const text = textOf(linkPage({ ...live, purpose: 'withdrawFunds' }))
    expect(text).toContain('Confirm for Acme Notes')
    expect(text).toContain('withdraw funds')
    expect(text).not.toContain('Sign in')
  })

  it('never says that a link works longer than it does', () => {
    const at = (instant: string) => textOf(linkPage({ ...live, expiresAt: new Date(instant) }))
    expect(at('2026-11-21T10:00:59Z')).toContain('less than a minute')
    expect(at('2026-11-21T10:01:59Z')).toContain('another 1 minute.')
  })

  it('says so when nothing is known about the one who asked', () => {
    const text = textOf(linkPage({ ...live, asked: { ...live.asked, ipAddress: null, userAgent: null } }))
    expect(text.match(/not known/g)).toHaveLength(2)
  })

  it('speaks German', () => {
    const page = linkPage({ ...live, texts: textsIn('de') })
    expect(page.html).toContain('<html lang="de" dir="ltr">')
    for (const said of [
      'Bei Acme Notes anmelden',
      'vor 2 Minuten',
      'Firefox auf Windows',
      'gilt noch 7 Minuten',
    ]) {
      expect(textOf(page)).toContain(said)
    }
  })
})

describe.each(LANGUAGES)('in %s', language => {
  const texts = textsIn(language)
  const BODY = /<body>[\s\S]*<\/body>/
  const forms = {
    press: linkPage({ ...live, texts }),
    approval: linkPage({ ...live, texts, mode: 'approve' }),
    action: linkPage({ ...live, texts, purpose: 'withdrawFunds' }),
    unknownAsker: linkPage({ ...live, texts, asked: { ...live.asked, ipAddress: null, userAgent: 'curl' } }),
    lastMinute: linkPage({ ...live, texts, expiresAt: now }),
    number: numberPage({ ...live, texts }),
  }

  it.each(Object.entries(forms))(
    'the page of %s has all its words, and the direction of its script',
    (_, page) => {
      expect(page.html).toContain(`<html lang="${language}" dir="${language === 'ar' ? 'rtl' : 'ltr'}">`)
      const [body = ''] = BODY.exec(page.html) ?? []
      expect(body).not.toMatch(/link\.[a-z]|(?<!\\p)\{[a-z]+\}/i)
      expect(body).toContain('j***@example.com')
      expect(body).toContain('Acme Notes')
    },
  )
})

describe('text that others wrote', () => {
  it('is shown as text: brand, address, tag, network, purpose and press token', () => {
    const { html } = linkPage({
      ...live,
      brandName: HOSTILE,
      maskedAddress: HOSTILE,
      tag: HOSTILE,
      purpose: HOSTILE,
      pressToken: HOSTILE,
      asked: { ...live.asked, ipAddress: HOSTILE },
    })
    expect(html).not.toMatch(/<script|<img/i)
    expect(html.match(/<\/style>/g)).toHaveLength(1)
    expect(html).toContain('value="&lt;/style&gt;')
    expect(html).toContain('&lt;script&gt;')
  })

  it('never comes from a user agent: only browsers and systems that we know are named', () => {
    const say = (userAgent: string) => textOf(linkPage({ ...live, asked: { ...live.asked, userAgent } }))
    expect(say(`${HOSTILE} You won a prize Firefox/1`)).toContain('From Firefox ')
    expect(say(`${HOSTILE} You won a prize`)).toContain('a browser we do not know')
    expect(say(`${HOSTILE} You won a prize`)).not.toMatch(/prize|alert/)
  })

  it.each([
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
      'Chrome on macOS',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
      'Samsung Internet on Android',
    ],
  ])('reads %s as %s', (userAgent, words) => {
    expect(textOf(linkPage({ ...live, asked: { ...live.asked, userAgent } }))).toContain(words)
  })

  it('cannot become a script by way of logo or support address', () => {
    const { html } = linkPage({ ...live, logoUrl: 'javascript:alert(1)', supportUrl: 'javascript:alert(1)' })
    expect(html).not.toContain('javascript:')
  })
})

describe('the policy of the page', () => {
  it('starts from nothing and lets the form lead to its own and the redirect origin only', () => {
    expect(linkPage(live).csp).toBe(
      "default-src 'none'; style-src 'nonce-bm9uY2U'; form-action 'self' https://app.example; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    )
  })

  it('lets the logo in, from its origin alone', () => {
    const { csp, html } = linkPage({ ...live, logoUrl: 'https://cdn.example/logo.svg' })
    expect(csp).toContain('; img-src https://cdn.example;')
    expect(html).toContain('src="https://cdn.example/logo.svg"')
  })

  it('takes the scheme of an app as the target of the press', () => {
    expect(linkPage({ ...live, redirectOrigin: 'com.example.app:' }).csp).toContain(
      "form-action 'self' com.example.app:;",
    )
  })

  it.each(['https://a.example; script-src *', "https://a.example 'unsafe-inline'", 'null', '*'])(
    'leaves out %s, which is not an origin',
    redirectOrigin => {
      expect(linkPage({ ...live, redirectOrigin }).csp).toContain("form-action 'self';")
    },
  )

  it('uses the nonce for the one style sheet', () => {
    expect(linkPage(live).html).toContain('<style nonce="bm9uY2U">')
  })
})

describe('the page of a link that is no more', () => {
  const { maskedAddress: _, ...look } = live

  const ENDS = [
    ...['used', 'expired', 'exhausted', 'unknown', 'misdirected', 'refused', 'unavailable'],
    ...['elsewhere', 'proven', 'numberWrong', 'denied'],
  ] as LinkEnd[]

  it.each(ENDS)('%s says what happened and what to do next, in every language, without a form', state => {
    for (const language of LANGUAGES) {
      const texts = textsIn(language)
      const page = linkEndPage({ ...look, texts, state })
      for (const part of ['title', 'text', 'next'])
        expect(textOf(page)).toContain(
          textOf({ html: texts.say(`link.ended.${state}.${part}`, { brand: 'Acme Notes' }) }),
        )
      expect(page.html).not.toMatch(/link\.ended|\{\w+\}(?![^<]*<\/style>)/)
      expect(page.html).not.toMatch(/<form|<button|<script/)
      expect(page.csp).toContain("form-action 'none'")
    }
  })

  it('tells when a used or expired link ended, and nothing of the kind for an unknown one', () => {
    const endedAt = new Date('2026-11-21T09:57:00Z')
    expect(textOf(linkEndPage({ ...look, state: 'used', endedAt }))).toContain('3 minutes ago')
    expect(textOf(linkEndPage({ ...look, state: 'unknown', endedAt }))).not.toContain('ago')
  })
})

describe('colors', () => {
  const palette = (
    mode: 'light' | 'dark',
    brand: Partial<Record<'primary' | 'onPrimary' | 'background' | 'text', string>>,
  ) => pagePalettes({ light: {}, dark: {}, [mode]: brand })[mode]

  it.each(['light', 'dark'] as const)('are readable by default in %s mode', mode => {
    const colors = palette(mode, {})
    expect(contrast(colors.primary, colors.onPrimary)).toBeGreaterThanOrEqual(4.5)
    for (const below of [colors.background, colors.page]) {
      expect(contrast(below, colors.text)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(below, colors.muted)).toBeGreaterThanOrEqual(4.5)
    }
  })

  it('keep a readable pair of the operator', () => {
    const colors = palette('light', {
      primary: '#5b2bd9',
      onPrimary: '#ffffff',
      background: '#fffaf2',
      text: '#2a1b10',
    })
    expect(colors).toMatchObject({
      primary: '#5b2bd9',
      onPrimary: '#ffffff',
      background: '#fffaf2',
      text: '#2a1b10',
    })
  })

  it('give way to the default pair when the contrast is below 4.5', () => {
    const colors = palette('light', {
      primary: '#ffdd00',
      onPrimary: '#ffffff',
      background: '#777777',
      text: '#888888',
    })
    expect(colors).toMatchObject(pairs('light'))
  })

  it('find the text for a lone background or button color', () => {
    expect(palette('light', { primary: '#ffdd00' }).onPrimary).toBe('#000000')
    expect(palette('dark', { background: '#101040' }).text).toBe('#ffffff')
  })

  it('stay readable for every pair that is let through, also the muted ones', () => {
    for (const text of ['#767676', '#333333', '#0000ee', '#b00020']) {
      const colors = palette('light', { background: '#ffffff', text })
      expect(contrast(colors.page, colors.text)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(colors.page, colors.muted)).toBeGreaterThanOrEqual(4.5)
    }
  })

  it('are colors: nothing else reaches the style sheet', () => {
    const brandColors = {
      light: { primary: 'red;}</style><script>' },
      dark: { text: 'url(https://evil.example)' },
    }
    const { html } = linkPage({ ...live, brandColors, radius: Number.NaN })
    expect(html).not.toMatch(/<script|evil|red;|NaN/)
  })

  function pairs(mode: 'light' | 'dark') {
    const { primary, onPrimary, background, text } = palette(mode, {})
    return { primary, onPrimary, background, text }
  }
})
