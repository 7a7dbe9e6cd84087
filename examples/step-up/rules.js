// Run once: what the pay-outs of the example take. A key with the scope admin is needed, which the app itself is not.
const { OSTIARY_URL = 'http://localhost:4545', OSTIARY_SECRET_KEY } = process.env

const RULES = [
  {
    name: 'More than we pay out',
    priority: 10,
    condition: 'action.attributes.amount > 10000.0',
    outcome: 'BLOCK',
  },
  {
    name: 'Large: two proofs',
    priority: 20,
    condition: 'action.attributes.amount > 1000.0',
    outcome: 'CHALLENGE',
    methods: ['emailCode', 'passkey'],
    requires: 2,
  },
  {
    name: 'Medium: a code',
    priority: 30,
    condition: 'action.attributes.amount > 100.0',
    outcome: 'CHALLENGE',
    methods: ['emailCode'],
  },
  { name: 'Small', priority: 40, condition: 'action.attributes.amount <= 100.0', outcome: 'ALLOW' },
]

const there = await ostiary('GET', '/v1/rules?limit=100')
for (const rule of RULES) {
  if (there.data.some(one => one.name === rule.name)) continue
  await ostiary('POST', '/v1/rules', { ...rule, actionName: 'payOut' })
  console.log(`made "${rule.name}"`)
}

async function ostiary(method, path, body) {
  const answer = await fetch(new URL(path, OSTIARY_URL), {
    method,
    headers: { Authorization: `Bearer ${OSTIARY_SECRET_KEY}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  return await answer.json()
}
