import { expect, test } from 'vitest'
import { looksLikeScanner } from '../../src/core/challenges/scanner.ts'

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'
const CUBOT =
  'Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36'

test.each([
  ['a browser', FIREFOX, 'GET', 60_000, false],
  ['a telephone', SAFARI, 'GET', 2_000, false],
  ['a telephone whose make ends in "bot"', CUBOT, 'GET', 60_000, false],
  ['a browser that looks at the head only', FIREFOX, 'HEAD', 60_000, true],
  ['a browser faster than people are', FIREFOX, 'GET', 1_999, true],
  ['a browser before the sending was recorded', FIREFOX, 'GET', 0, true],
  ['nobody', null, 'GET', 60_000, true],
  ['an empty name', '  ', 'GET', 60_000, true],
  ['Google', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'GET', 60_000, true],
  ['Slack', 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)', 'GET', 60_000, true],
  ['Bing', `${FIREFOX} BingPreview/1.0b`, 'GET', 60_000, true],
  ['Skype', 'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5', 'GET', 60_000, true],
  ['WhatsApp', 'WhatsApp/2.23.20.0', 'GET', 60_000, true],
  ['a headless browser', FIREFOX.replace('Firefox', 'HeadlessChrome'), 'GET', 60_000, true],
  ['a library', 'python-requests/2.32.3', 'GET', 60_000, true],
  ['another library', 'Go-http-client/2.0', 'GET', 60_000, true],
  ['a command', 'curl/8.5.0', 'GET', 60_000, true],
  ['a mail filter', 'Mozilla/5.0 (Barracuda Sentinel)', 'GET', 60_000, true],
])('%s', (_, userAgent, method, sentMsAgo, isScanner) => {
  expect(looksLikeScanner({ userAgent, method, sentMsAgo })).toBe(isScanner)
})
