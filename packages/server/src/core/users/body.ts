import type { User } from '../rows.ts'

const instant = (at: number): string => new Date(at).toISOString()
const instantOrNull = (at: number | null): string | null => (at === null ? null : instant(at))

/** A user as it goes out (CONTRACT section 4): in answers and to hooks alike. */
export function userBody(user: User) {
  const primary = (type: 'email' | 'phone') => user.identifiers.find(one => one.type === type)
  const email = primary('email')
  const phone = primary('phone')
  return {
    id: user.id,
    externalId: user.externalId,
    name: user.name,
    username: user.username,
    email: email?.value ?? null,
    emailVerified: email != null && email.verifiedAt !== null,
    phone: phone?.value ?? null,
    phoneVerified: phone != null && phone.verifiedAt !== null,
    identifiers: user.identifiers.map(({ type, value, verifiedAt, isPrimary }) => ({
      type,
      value,
      verifiedAt: instantOrNull(verifiedAt),
      isPrimary,
    })),
    locale: user.locale,
    status: user.status,
    metadata: user.metadata,
    createdAt: instant(user.createdAt),
    updatedAt: instant(user.updatedAt),
    lastSignInAt: instantOrNull(user.lastSignInAt),
  }
}
