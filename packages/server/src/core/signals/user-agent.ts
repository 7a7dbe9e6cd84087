import Bowser from 'bowser'

export interface UserAgentSignals {
  browser?: string
  os?: string
  type?: string
  isBot?: boolean
  isHeadless?: boolean
}

const BOT =
  /bot\b|crawl|spider|slurp|scrap|archiver|^(curl|wget|python|java|go-http|okhttp|axios|node|undici|libwww|httpie)\b/i
const HEADLESS = /headless|phantomjs|slimerjs|puppeteer|playwright|selenium|cypress/i

/**
 * What a user agent says of itself. It may lie: an honest bot is one, and whoever says nothing may be one, too. Left out is
 * what it does not say; all of it where there is none.
 */
export function userAgentSignals(userAgent: string | null): UserAgentSignals {
  const text = userAgent?.trim() ?? ''
  if (text === '') return {}
  const { browser, os, platform } = Bowser.parse(text)
  const isBot = platform.type === 'bot' || BOT.test(text)
  const type = isBot ? 'bot' : platform.type
  return {
    ...(browser.name !== undefined && browser.name !== '' && { browser: browser.name }),
    ...(os.name !== undefined && os.name !== '' && { os: os.name }),
    ...(type !== undefined && { type }),
    isBot,
    isHeadless: HEADLESS.test(text),
  }
}
