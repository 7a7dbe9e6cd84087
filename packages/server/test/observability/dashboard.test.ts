import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createPrometheus } from '../../src/observability/prometheus.ts'

const read = (name: string) => readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), 'utf8')

/** Every metric with its labels, as a server shows them once each has happened. */
async function shown(): Promise<Map<string, Set<string>>> {
  const book = createPrometheus()
  book.sendAsked('test', 'email', 'queued')
  book.answerJudged('test', 'code', 'verified')
  book.sessionOpened('test')
  book.refreshAsked('test', 'refreshed')
  book.limitFired('test', 'resend')
  book.requestServed({ method: 'GET', route: '/healthz', status: 200, seconds: 0.001 })
  book.requestRefused('not_found')
  book.transportCalled('smtp', 'sent', 0.1)
  book.messageSettled('sent')
  book.webhookSettled('test', 'delivered')
  book.committed(3, 0.001)
  const vitals = {
    outbox: { queued: 0, oldestQueuedAt: null },
    webhooks: { queued: 0, oldestDueAt: null },
    environments: [
      {
        slug: 'test',
        isProtectionRaised: false,
        disabledWebhooks: { manual: 0, gone: 0, failing: 0, secret_replaced: 0 },
      },
    ],
  }
  const { text } = await book.page(vitals, Date.now())
  book.close()
  const metrics = new Map<string, Set<string>>()
  for (const [, name, labels] of text.matchAll(/^([a-z]\w+)(?:\{(.*)\})? /gm)) {
    const known = metrics.get(name ?? '') ?? new Set<string>()
    for (const [, label] of (labels ?? '').matchAll(/(\w+)="/g)) known.add(label ?? '')
    metrics.set(name ?? '', known)
  }
  return metrics
}

interface Dashboard {
  panels: { title: string; targets?: { expr: string }[]; gridPos: { x: number; w: number } }[]
  templating: { list: { query: string | { query: string } }[] }
}

it('the dashboard asks only for metrics and labels that exist', async () => {
  const metrics = await shown()
  const { panels, templating } = JSON.parse(read('grafana-dashboard.json')) as Dashboard
  const queries = [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
    ...templating.list.flatMap(({ query }) => (typeof query === 'object' ? [['variable', query.query]] : [])),
  ]
  expect(queries.length).toBeGreaterThan(20)
  for (const [title, expr] of queries) {
    const names = [...expr.matchAll(/\b(?:ostiary|process|nodejs)_\w+/g)].map(([name]) => name)
    expect(names.length, `${title}: ${expr}`).toBeGreaterThan(0)
    for (const name of names) expect([...metrics.keys()], title).toContain(name)
    // `instance` comes from the scraper; the others stand in braces, in `by (…)` and in label_values.
    const labels = [
      ...[...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside = '']) =>
        [...inside.matchAll(/(\w+)\s*=~?/g)].map(([, label]) => label),
      ),
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, inside = '']) => inside.split(/,\s*/)),
      ...[...expr.matchAll(/label_values\(\w+, (\w+)\)/g)].map(([, label]) => label),
    ]
    const known = new Set(['instance', ...names.flatMap(name => [...(metrics.get(name) ?? [])])])
    for (const label of labels) expect([...known], `${title}: ${expr}`).toContain(label)
  }
  for (const { title, gridPos } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
})

it('docs/observability.md names every metric of Ostiary, and none that does not exist', async () => {
  const base = (name: string) => name.replace(/_(?:bucket|sum|count)$/, '')
  const page = read('observability.md')
  const existing = new Set([...(await shown()).keys()].filter(name => name.startsWith('ostiary_')).map(base))
  const named = new Set([...page.matchAll(/\bostiary_[a-z_]+\b/g)].map(([name]) => base(name)))
  expect([...named].sort()).toEqual([...existing].sort())
})
