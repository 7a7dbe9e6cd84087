import { z } from 'zod'
import { parseEmail } from '../../core/addresses/email.ts'
import type { ClaimedMessage } from '../../core/ports.ts'
import { endpoint } from '../endpoint.ts'
import { type ListPage, pageQuery, readPage } from '../list.ts'
import { iso, isoOrNull, listOf, MessageBody } from '../wire.ts'
import * as fields from './fields.ts'

/**
 * The inbox of a test environment, for tests that read codes: with `wait`, the answer is held until a message is
 * there. A live environment has no such route (404): nobody reads a person's code there.
 */
export const listMessagesEndpoint = endpoint({
  method: 'GET',
  path: '/v1/messages',
  load: 'wait',
  summary: 'Read sent messages with their codes and links (test only)',
  scopes: ['auth', 'read'],
  isTestOnly: true,
  query: z.strictObject({
    ...pageQuery,
    to: z.string().max(320).optional(),
    challengeId: fields.id.optional(),
    wait: z.coerce
      .number()
      .int()
      .min(0)
      .max(30)
      .default(0)
      .meta({ description: 'Seconds to hold the answer until a message is there' }),
  }),
  status: 200,
  answer: listOf(MessageBody),
  errors: ['not_found', 'cursor_invalid'],
  async act(deps, { view, query, signal }) {
    const environmentId = view.environment.id
    const { wait, ...filters } = query
    const filter = {
      to: query.to === undefined ? null : (parseEmail(query.to)?.identity ?? query.to),
      challengeId: query.challengeId ?? null,
    }
    const until = performance.now() + wait * 1000
    for (;;) {
      // Listen first, then look: a message that is queued in between is not missed.
      const leave = new AbortController()
      const next = deps.messages.waitForNext(
        environmentId,
        Math.max(0, until - performance.now()),
        AbortSignal.any([signal, leave.signal]),
      )
      const page: ListPage<ClaimedMessage & { id: string }> = await readPage(
        `messages ${environmentId}`,
        filters,
        async bounds => {
          const { rows, lookedTo } = await deps.store.findMessages(environmentId, filter, bounds)
          return { rows: rows.map(claimed => ({ ...claimed, id: claimed.message.id })), lookedTo }
        },
      )
      if (page.rows.length > 0 || signal.aborted || performance.now() >= until) {
        leave.abort()
        return page
      }
      await next
    }
  },
  render: ({ rows, nextCursor }, { view }, { messages }) => ({
    data: rows.map(row => {
      const shown = messages.show(row, view)
      const { id, challengeId, notice, channel, to, subject, text, html, code, link, status } = shown
      return {
        id,
        challengeId,
        notice,
        channel,
        to,
        subject,
        text,
        html,
        code,
        link,
        status,
        createdAt: iso(shown.createdAt),
        sentAt: isoOrNull(shown.sentAt),
      }
    }),
    nextCursor,
  }),
})
