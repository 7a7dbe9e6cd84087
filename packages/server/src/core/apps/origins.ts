/** A page of the machine on which a developer works: in `test` it may call for every app. */
export function isLocalhostOrigin(origin: string): boolean {
  return /^http:\/\/localhost(:\d{1,5})?$/.test(origin)
}
