import { describe, expect, test } from 'vitest'
import type { Template, TemplateTexts } from '../../src/core/rows.ts'
import { fitErrors, templateOf } from '../../src/core/templates/fit.ts'
import { templateErrors } from '../../src/core/templates/lint.ts'

const SOUND: TemplateTexts = { subject: 'Your code', text: 'Code: {{code}}', html: null }
const lint = (texts: Partial<TemplateTexts>) => templateErrors({ en: { ...SOUND, ...texts } }, 'en')
const htmlErrors = (html: string) => lint({ html: `<p>{{code}}</p>${html}` })
const codes = (errors: { path: string; code: string }[]) => errors.map(one => `${one.path} ${one.code}`)

describe('HTML that is taken', () => {
  test.each([
    [
      'a whole document',
      '<!DOCTYPE html><html lang="{{locale}}"><head><title>{{brand}}</title></head><body></body></html>',
    ],
    [
      'an XHTML doctype',
      '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">',
    ],
    [
      'tables and styles',
      '<style>@media (max-width:520px){.a>b{padding:0!important}}</style><table role="presentation" width="100%" bgcolor=#ffffff><tr><td style="padding:0;font-family:&quot;Arial&quot;">x</td></tr></table>',
    ],
    ['the link', '<a href="{{link}}" target="_blank">go</a> <A HREF=\'{{ link }}\'>go</A>'],
    [
      'a link to a page of the app',
      '<a href="https://shop.example/orders/{{orderId}}?from={{tag}}#x">order</a>',
    ],
    [
      'mailto, tel and fragment',
      '<a href="mailto:help@shop.example?subject=Help">h</a><a href="tel:+49 30 123">t</a><a href="#top">u</a>',
    ],
    ['an image over https', '<img src="https://cdn.shop.example/logo.png?v=2" alt="{{brand}}" width="120">'],
    [
      'Outlook conditions',
      '<!--[if mso | IE]><table><tr><td><![endif]--><!--[if !mso]><!--><b>x</b><!--<![endif]-->',
    ],
    ['comments and references', '<!-- header -->&nbsp;&copy; 1 &gt; 0 }}'],
    ['meta', '<meta charset="utf-8"><meta http-equiv="Content-Type" content="text/html; charset=utf-8">'],
  ])('%s', (_, html) => expect(htmlErrors(html)).toEqual([]))
})

describe('HTML that is refused', () => {
  test.each([
    ['<script>alert(1)</script>'],
    ['<SCRIPT src="https://x.example"></SCRIPT>'],
    ['<a onclick="x()" href="https://x.example/">x</a>'],
    ['<img src="https://x.example/a.png" onerror="x()">'],
    ['<iframe src="https://x.example/"></iframe>'],
    ['<form action="https://x.example/"><input name="code"></form>'],
    ['<object data="https://x.example/"></object>'],
    ['<svg><a href="https://x.example/">x</a></svg>'],
    ['<base href="https://x.example/">'],
    ['<link rel="stylesheet" href="https://x.example/a.css">'],
    ['<meta http-equiv="refresh" content="0;url=https://x.example/">'],
    ['<a href="http://x.example/">x</a>'],
    ['<a href="javascript:alert(1)">x</a>'],
    ['<a href=" javascript:alert(1)">x</a>'],
    ['<a href="java&#115;cript:alert(1)">x</a>'],
    ['<a href="data:text/html,x">x</a>'],
    ['<a href="//x.example/">x</a>'],
    ['<a href="{{orderUrl}}">x</a>'],
    ['<a href="{{link}}&x=1">x</a>'],
    ['<a href="https://{{host}}/">x</a>'],
    ['<a href="https://x.example{{host}}/">x</a>'],
    ['<a href="https://x.example/?u={{link}}">x</a>'],
    ['<a href="https://x.example/?c={{code}}">x</a>'],
    ['<a href="mailto:{{someone}}">x</a>'],
    ['<img src="http://x.example/a.png" alt="">'],
    ['<img src="https://x.example/{{tag}}.png" alt="">'],
    ['<img src="data:image/png;base64,AAAA" alt="">'],
    ['<img srcset="https://x.example/a.png 2x" alt="">'],
    ['<table background="https://x.example/a.png"></table>'],
    ['<p style="background:url(https://x.example/a.png)">x</p>'],
    ['<p style="background:u&#114;l(https://x.example/a.png)">x</p>'],
    ['<p style="background:u\\72l(https://x.example/a.png)">x</p>'],
    ['<p style="background:src(&quot;https://x.example/a.png&quot;)">x</p>'],
    ['<p style="background:image(&quot;https://x.example/a.png&quot;)">x</p>'],
    ['<p style="width:expression(alert(1))">x</p>'],
    ['<p style="color:{{color}}">x</p>'],
    ['<p class="{{code}}">x</p>'],
    ['<style>@import "https://x.example/a.css";</style>'],
    ['<style>@font-face{font-family:x;src:url(https://x.example/a)}</style>'],
    ['<style>.a{content:"{{code}}"}</style>'],
    ['write to http://x.example/'],
    ['{{#if code}}x{{/if}}'],
    ['{{{code}}}'],
    ['{{&code}}'],
    ['{{> partial}}'],
    ['{{code | upper}}'],
    ['{{user.name}}'],
    ['{{x}}'],
    ['{{'],
    ['{{ code'],
    [`{{${'a'.repeat(26)}}}`],
  ])('%s', html => expect(codes(htmlErrors(html)).join()).toMatch(/en\.html (not_allowed|syntax)/))

  // Each of these is read in one way here, and could be read in another by a browser.
  test.each([
    ['<title><!-- </title><script>alert(1)</script> -->'],
    ['<style><!-- </style><script>alert(1)</script> --></style>'],
    ['<!--[if mso]><p title="--><script>alert(1)</script>">x</p><![endif]-->'],
    ['<title>a</title x><b>b</b></title>'],
    ['<style>a{}</style/><b>b</b></style>'],
    ['<!--[if mso]><b>hidden'],
    ['<!--> <script>alert(1)</script> -->'],
    ['<!-- --!> <script>alert(1)</script> -->'],
    ['<!-- {{code}} -->'],
    ['<p title="a"onclick="x()">x</p>'],
    ['<p/onclick="x()">x</p>'],
    ['<p title=`a`>x</p>'],
    ['<p\u00a0onclick="x()">x</p>'],
    ['<p title="a>b">x</p>'],
    ['<p title="a'],
    ['<{{element}}>'],
    ['a < b'],
    ['<![CDATA[ x ]]>'],
    ['<?xml version="1.0"?>'],
    ['<title>x'],
  ])('%s', html => expect(codes(htmlErrors(html)).join()).toMatch(/en\.html malformed/))

  test('so is an image that could tell who opens the mail, with the reason', () => {
    expect(htmlErrors('<img src="https://x.example/{{tag}}.png">')[0]?.message).toContain(
      'one for every reader',
    )
  })

  test('names the line', () => {
    expect(htmlErrors('\n\n<script>')[0]?.message).toBe('line 3: the element <script> is not taken')
  })
})

describe('the texts', () => {
  test.each<[string, Partial<TemplateTexts>, string]>([
    ['a text without code or link', { text: 'Hello {{brand}}' }, 'locales.en.text required'],
    ['an HTML without code or link', { html: '<p>{{brand}}</p>' }, 'locales.en.html required'],
    [
      'a code that only Outlook shows',
      { html: '<!--[if mso]>{{code}}<![endif]-->' },
      'locales.en.html required',
    ],
    ['a code that only the title has', { html: '<title>{{code}}</title>' }, 'locales.en.html required'],
    ['a link in the subject', { subject: 'Go to {{link}}' }, 'locales.en.subject not_allowed'],
    [
      'a header in the subject',
      { subject: 'Hi\r\nBcc: eve@evil.example' },
      'locales.en.subject invalid_format',
    ],
    ['a line separator in the subject', { subject: 'Hi\u2028there' }, 'locales.en.subject invalid_format'],
    ['an empty subject', { subject: '  ' }, 'locales.en.subject required'],
    ['a subject of 201', { subject: 's'.repeat(201) }, 'locales.en.subject too_big'],
    ['a text over 20 KB', { text: `{{code}}${'ä'.repeat(10 * 1024)}` }, 'locales.en.text too_big'],
    ['an HTML over 60 KB', { html: `{{code}}${'x'.repeat(60 * 1024)}` }, 'locales.en.html too_big'],
    ['an escape character', { text: '{{code}}\u001b[2J' }, 'locales.en.text invalid_format'],
    ['a link in clear', { text: '{{code}} http://x.example' }, 'locales.en.text not_allowed'],
    ['101 variables', { text: '{{code}}'.repeat(101) }, 'locales.en.text too_big'],
    [
      'another spelling of a built-in name',
      { text: '{{code}} {{expires_at}}' },
      'locales.en.text variable_unknown',
    ],
    ['a section', { subject: '{{#x}}' }, 'locales.en.subject syntax'],
  ])('cannot have %s', (_, texts, expected) => expect(codes(lint(texts))).toContain(expected))

  test('can have as much as may be', () => {
    const html = `{{code}}${'x'.repeat(60 * 1024 - 8)}`
    const text = `{{code}}${'x'.repeat(20 * 1024 - 8)}`
    expect(lint({ subject: 's'.repeat(200), text, html })).toEqual([])
  })

  test('can be those of the default locale or of en, under plain tags', () => {
    const of = (tags: string[], fallback: string) =>
      templateErrors(Object.fromEntries(tags.map(tag => [tag, SOUND])), fallback)
    expect(of(['de'], 'de-AT')).toEqual([])
    expect(of(['en', 'zh-Hant'], 'de')).toEqual([])
    expect(codes(of(['fr'], 'de'))).toEqual(['locales required'])
    expect(codes(of([], 'en'))).toEqual(['locales required'])
    expect(of(['en', 'de-at'], 'en')).toMatchObject([{ path: 'locales.de-at', suggestion: 'de-AT' }])
    expect(of(['en', 'de-u-co-phonebk'], 'en')).toMatchObject([{ suggestion: 'de' }])
    const many = Array.from({ length: 21 }, (_, index) => `en-${String.fromCharCode(65 + index)}X`)
    expect(codes(of(['en', ...many], 'en'))).toContain('locales too_big')
  })

  test('cannot use more variables than a challenge carries', () => {
    const names = Array.from({ length: 31 }, (_, index) => `{{own${index}}}`).join(' ')
    expect(codes(lint({ text: `{{code}} ${names}` }))).toEqual(['locales too_big'])
  })

  test('cannot be over 256 KB in all locales together', () => {
    const html = `{{code}}${'x'.repeat(60 * 1024 - 8)}`
    const locales = Object.fromEntries(['en', 'de', 'fr', 'es', 'it'].map(tag => [tag, { ...SOUND, html }]))
    expect(codes(templateErrors(locales, 'en'))).toEqual(['locales too_big'])
  })
})

test('reading takes time by the size, whatever is written', () => {
  const pieces = [
    '{{',
    '<',
    '<a ',
    '<a\t',
    '<!--',
    '<b>x',
    '<b a>',
    '<b a=',
    '</b ',
    '<style>',
    '{{code}}',
    '{{ ',
    '\n',
    '<a href="tel:1',
  ]
  const milliseconds = (piece: string, size: number) => {
    const html = piece.repeat(Math.floor(size / piece.length))
    const from = performance.now()
    lint({ html })
    return performance.now() - from
  }
  for (const piece of pieces) {
    milliseconds(piece, 60 * 1024)
    expect(milliseconds(piece, 60 * 1024), piece).toBeLessThan(250)
  }
})

const template = (texts: Partial<TemplateTexts>, more: Record<string, TemplateTexts> = {}): Template => ({
  id: 'tpl_1',
  environmentId: 'env_1',
  name: 'welcome',
  channel: 'email',
  locales: { en: { ...SOUND, ...texts }, ...more },
  version: 1,
  createdAt: 0,
  updatedAt: 0,
})

describe('a template fits a challenge', () => {
  const fit = (one: Template, credential: 'code' | 'link' | 'codeAndLink', templateVariables = {}) =>
    codes(fitErrors(one, { credential, templateVariables }))
  const both = template({ text: '{{code}} {{link}}', html: '{{code}} <a href="{{link}}">go</a>' })

  test('that gives what it shows', () => {
    expect(fit(template({}), 'code')).toEqual([])
    expect(fit(template({ text: '{{link}}' }), 'link')).toEqual([])
    expect(fit(both, 'codeAndLink')).toEqual([])
  })
  test('and no other: every part has to show all that is sent, and nothing that is not', () => {
    expect(fit(template({}), 'link')).toEqual(['template link_missing', 'credential code_missing'])
    expect(fit(template({}), 'codeAndLink')).toEqual(['template link_missing'])
    expect(fit(both, 'code')).toEqual(['credential link_missing'])
    const half = template({ text: '{{code}}', html: '<a href="{{link}}">go</a>' })
    expect(fit(half, 'code')).toEqual(['template code_missing', 'credential link_missing'])
  })
  test('with a value for each variable of any of its locales', () => {
    const one = template({ subject: '{{shop}}' }, { de: { ...SOUND, text: '{{code}} {{orderId}}' } })
    const missing = ['templateVariables.shop required', 'templateVariables.orderId required']
    expect(fit(one, 'code')).toEqual(missing)
    expect(fit(one, 'code', { orderId: '', shop: 'x', other: 'y' })).toEqual([])
    expect(fit(template({ text: '{{code}} {{toString}}' }), 'code')).toEqual([
      'templateVariables.toString required',
    ])
  })
  test('only while it is safe by the rules of this version', () => {
    const old = template({ html: '{{code}}<script>' })
    expect(fit(old, 'code')).toEqual(['template invalid_value'])
    const challenge = { credential: 'code' as const, templateVariables: {}, template: 'welcome' }
    expect(templateOf([old], challenge)).toBeNull()
    const sound = template({})
    expect(templateOf([sound], challenge)).toBe(sound)
    expect(templateOf([sound], { ...challenge, template: 'other' })).toBeNull()
    expect(templateOf([sound], { ...challenge, template: null })).toBeNull()
    expect(templateOf([sound], { ...challenge, credential: 'link' })).toBeNull()
  })
})
