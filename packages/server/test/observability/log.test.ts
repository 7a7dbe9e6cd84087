import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

const MAIN = new URL('../../src/main.ts', import.meta.url).href

it('lines are JSON with a word for the level, and what could be a secret or name a person is redacted', () => {
  const planted = {
    ...Object.fromEntries(
      ['authorization', 'cookie', 'token', 'refreshToken', 'secret', 'to', 'email', 'phone', 'address'].map(
        name => [name, 'planted'],
      ),
    ),
    inner: { authorization: 'planted', token: 'planted', to: 'planted' },
    code: 'rate_limited',
    requestId: 'req_1',
  }
  const script = `import { createLog } from ${JSON.stringify(MAIN)}
    createLog('info').warn(${JSON.stringify(planted)}, 'request refused')
    createLog('error').warn({}, 'too quiet')`
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(printed).not.toContain('planted')
  expect(printed.trim().split('\n')).toHaveLength(1)
  expect(JSON.parse(printed)).toMatchObject({
    level: 'warn',
    msg: 'request refused',
    code: 'rate_limited',
    requestId: 'req_1',
    inner: { token: '[redacted]' },
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  })
})
