/** Names that Ostiary fills in every template, and that a challenge's `templateVariables` cannot use. */
export const BUILT_IN = [
  'code',
  'link',
  'tag',
  'expiresAt',
  'expiresInMinutes',
  'brand',
  'to',
  'locale',
] as const

export type BuiltIn = (typeof BUILT_IN)[number]

const names: ReadonlySet<string> = new Set(BUILT_IN)
const bySpelling = new Map(BUILT_IN.map(name => [name.toLowerCase(), name]))

export const isBuiltIn = (name: string): name is BuiltIn => names.has(name)

/** The built-in name that was meant by another spelling of it (`expires_at`, `Code`), or null. */
export function builtInLike(name: string): BuiltIn | null {
  const meant = bySpelling.get(name.replaceAll('_', '').toLowerCase())
  return meant !== undefined && meant !== name ? meant : null
}
