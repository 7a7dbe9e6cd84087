import type { Page, TemplateSaved } from '../../core/ports.ts'
import type { Origin, Template } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { pageOf } from './pages.ts'
import { assignments, places, type Transaction } from './transaction.ts'

/** The operator's own mails. Each write counts up `templates_version` of the environment in the same transaction. */

export async function listTemplates(tx: Transaction, environmentId: string, page: Page): Promise<Template[]> {
  const rows = await tx.all(...pageOf('templates', page, [['environment_id = ?', environmentId]]))
  return rows.map(columns.templates.read)
}

export async function findTemplate(
  tx: Transaction,
  environmentId: string,
  id: string,
): Promise<Template | null> {
  const row = await tx.one('SELECT * FROM templates WHERE id = $1 AND environment_id = $2', id, environmentId)
  return row ? columns.templates.read(row) : null
}

/** See `Store.createTemplate`. */
export async function createTemplate(
  tx: Transaction,
  template: Template,
  max: number,
  origin: Origin,
  now: number,
): Promise<TemplateSaved> {
  const { columns: names } = columns.templates
  await tx.lock([`${template.environmentId}:templates`])
  const count = await tx.one(
    'SELECT count(*) AS count FROM templates WHERE environment_id = $1',
    template.environmentId,
  )
  if (Number(count?.count) >= max) return { kind: 'tooMany' }
  const inserted = await tx.run(
    `INSERT INTO templates (${names.join(', ')}) VALUES ${places(1, names.length)} ON CONFLICT (environment_id, name) DO NOTHING`,
    ...columns.templates.values(template),
  )
  if (inserted === 0) return { kind: 'nameTaken' }
  await tell(tx, template, origin, now, { change: 'created' })
  return { kind: 'saved', template }
}

/** See `Store.updateTemplate`. */
export async function updateTemplate(
  tx: Transaction,
  template: Template,
  changed: string[],
  origin: Origin,
  now: number,
): Promise<TemplateSaved | { kind: 'stale' }> {
  const namesake = await tx.one(
    'SELECT 1 FROM templates WHERE environment_id = $1 AND name = $2 AND id <> $3',
    origin.environmentId,
    template.name,
    template.id,
  )
  if (namesake) return { kind: 'nameTaken' }
  const next = { ...template, version: template.version + 1, updatedAt: now }
  const { columns: names } = columns.templates
  const updated = await tx.run(
    `UPDATE templates SET ${assignments(names, 4)} WHERE id = $1 AND environment_id = $2 AND version = $3`,
    template.id,
    origin.environmentId,
    template.version,
    ...columns.templates.values(next),
  )
  if (updated === 0) return { kind: 'stale' }
  await tell(tx, next, origin, now, { change: 'updated', changed })
  return { kind: 'saved', template: next }
}

export async function deleteTemplate(
  tx: Transaction,
  id: string,
  origin: Origin,
  now: number,
): Promise<boolean> {
  const row = await tx.one(
    'DELETE FROM templates WHERE id = $1 AND environment_id = $2 RETURNING *',
    id,
    origin.environmentId,
  )
  if (row) await tell(tx, columns.templates.read(row), origin, now, { change: 'deleted' })
  return row !== undefined
}

/** Makes other processes read anew, and writes the event, which names the template and holds none of its texts. */
async function tell(
  tx: Transaction,
  { id, name, environmentId }: Template,
  origin: Origin,
  now: number,
  what: { change: 'created' | 'updated' | 'deleted'; changed?: string[] },
): Promise<void> {
  await tx.run(
    'UPDATE environments SET templates_version = templates_version + 1 WHERE id = $1',
    environmentId,
  )
  await insertEvents(tx, [
    newEvent('template.updated', origin, now, { data: { templateId: id, name, ...what } }),
  ])
}
