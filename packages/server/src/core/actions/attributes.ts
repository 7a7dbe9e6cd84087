import { createHash } from 'node:crypto'
import type { Action } from '../rows.ts'

/** JSON with its keys in order (RFC 8785): the same value is the same text, whoever wrote it down. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(one => canonicalJson(one ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`
}

/** SHA-256 of it in base64url: what the backend compares before it acts on an approval. */
export const hashOf = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('base64url')

/** Of what the backend told of an action; null where it told nothing. */
export const attributesHash = ({ attributes }: Pick<Action, 'attributes'>): string | null =>
  Object.keys(attributes).length === 0 ? null : hashOf(attributes)
