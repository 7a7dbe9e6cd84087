/** A phone number in E.164, or null. The library is loaded at its first use: most environments never see a number. */
export async function parsePhone(text: string): Promise<string | null> {
  if (text.length > 40 || !text.startsWith('+') || !/^\+[\d ().-]+$/.test(text)) return null
  const { parsePhoneNumberFromString } = await import('libphonenumber-js/max')
  const number = parsePhoneNumberFromString(text, { extract: false })
  return number?.isValid() && !number.ext ? number.number : null
}

/** `+49***89`. */
export function maskPhone(number: string): string {
  return `${number.slice(0, 3)}***${number.slice(-2)}`
}
