/** Language, script and region of a BCP 47 tag in canonical case, without variants and extensions; null for no tag. */
export function baseName(tag: string): string | null {
  try {
    const { language, script, region } = new Intl.Locale(tag)
    return [language, script, region].filter(Boolean).join('-')
  } catch {
    return null
  }
}

/** `zh-Hant-TW`, `zh-Hant`, `zh`. */
export function cuts(tag: string): string[] {
  const parts = tag.split('-')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('-'))
}

/**
 * Picks a locale by lookup (RFC 4647 section 3.4): each wish in order, cut from the right until it is there, then
 * `fallback`, then English. `allowed` null allows every locale. The result may be more special than what is there:
 * `de-AT` where there is `de`.
 */
export function pickLocale(
  wishes: readonly (string | null | undefined)[],
  allowed: readonly string[] | null,
  fallback: string,
  isThere: (tag: string) => boolean,
): string {
  const mayBe = allowed && new Set(allowed.map(tag => baseName(tag) ?? tag))
  for (const wish of wishes) {
    const tag = wish ? baseName(wish) : null
    if (tag && cuts(tag).some(isThere) && (!mayBe || cuts(tag).some(cut => mayBe.has(cut)))) return tag
  }
  const last = baseName(fallback) ?? 'en'
  return cuts(last).some(isThere) ? last : 'en'
}
