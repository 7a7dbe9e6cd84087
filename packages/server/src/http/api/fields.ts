import { z } from 'zod'
import { isBuiltIn } from '../../core/templates/variables.ts'

/** Fields that several requests share, with their bounds (CONTRACT sections 2 to 4). */

export const id = z.string().min(1).max(64)
export const purpose = z.string().regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/)
export const externalId = z.string().min(1).max(255)
export const locale = z
  .string()
  .max(35)
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'is not a BCP 47 language tag')

export const codeChallenge = z
  .string()
  .regex(/^[\w-]{43}$/, 'is not an S256 code challenge (43 characters, RFC 7636 4.2)')
export const codeVerifier = z
  .string()
  .regex(/^[\w.~-]{43,128}$/, 'is not a code verifier (43 to 128 characters, RFC 7636 4.1)')

/** The person's circumstances, told by the trusted backend. */
export const context = z
  .strictObject({
    ipAddress: z.string().max(64).optional(),
    userAgent: z.string().max(1024).optional(),
    deviceToken: z.string().max(200).optional(),
  })
  .meta({ id: 'Context' })

/** A sentence for the person: one line, and nothing that hides or turns around what stands beside it. */
export const intent = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'is one line of plain text')

/** An object of at most so many bytes as JSON. */
export const metadata = (maxBytes: number) =>
  z
    .record(z.string().min(1).max(64), z.json())
    .refine(
      value => Buffer.byteLength(JSON.stringify(value)) <= maxBytes,
      `can hold at most ${maxBytes / 1024} KB`,
    )

/** Values for a template. Names that Ostiary fills itself are reserved: nobody poses as the code. */
export const templateVariables = z
  .record(
    z
      .string()
      .min(2)
      .max(25)
      .regex(/^[A-Za-z]\w*$/),
    z.string().max(256),
  )
  .refine(pairs => Object.keys(pairs).length <= 30, 'can hold at most 30 pairs')
  .refine(pairs => !Object.keys(pairs).some(isBuiltIn), 'uses a reserved name')

export const noBody = z.strictObject({})
