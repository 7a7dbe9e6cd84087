import { afterAll, beforeAll, expect, it } from 'vitest'
import { addAddress, beginAddress, signedIn as from, noticesTo, type Person } from '../http/person.ts'
import type { TestServer } from '../setup/server.ts'
import { crowd, openToCrowds, settle, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

const signedIn = (house: TestServer, to: string) => from(house, to, {})
const addressesOf = async (person: Person): Promise<{ value: string; isPrimary: boolean }[]> =>
  (await person.get()).body.identifiers
const at = (person: Person, path: string, body: object) => () =>
  server.call('POST', `/client/v1/me/${path}`, body, { key: person.accessToken })

it('the last two ways in, removed at once: one stays', async () => {
  for (let round = 0; round < 10; round++) {
    const person = await signedIn(server, `two${round}@x.test`)
    const second = `also${round}@x.test`
    await addAddress(server, person, second)
    const answers = await crowd(
      [person.to, second].flatMap(value =>
        times(5, () => at(person, 'identifiers/remove', { type: 'email', value })()),
      ),
    )
    const { 200: done, state_conflict: kept = 0, not_found: gone = 0 } = tally(answers)
    expect(done).toBe(1)
    expect(kept + gone).toBe(9)
    const left = await addressesOf(person)
    expect(left).toMatchObject([{ isPrimary: true }])
    expect((await server.signIn(left[0]?.value ?? '')).body.user.id).toBe(person.userId)
  }
  await settle(server)
})

it('one address added by two users at once: one has it, and is the only one who is told so', async () => {
  for (let round = 0; round < 10; round++) {
    const to = `wanted${round}@x.test`
    const people = [await signedIn(server, `a${round}@x.test`), await signedIn(server, `b${round}@x.test`)]
    const begun = [await beginAddress(server, people[0]!, to), await beginAddress(server, people[1]!, to)]
    const answers = await crowd(
      people.flatMap((person, index) => {
        const { challengeId, code } = begun[index]!
        return times(5, () => at(person, 'identifiers/verify', { challengeId, code })())
      }),
    )
    expect(answers.filter(one => one.status === 200)).toHaveLength(1)
    expect(answers.every(one => [200, 409].includes(one.status))).toBe(true)
    const owners = (await server.get(`/v1/users?email=${to}`)).body.data
    expect(owners).toHaveLength(1)
    const told = [await noticesTo(server, people[0]!.to), await noticesTo(server, people[1]!.to)].flat()
    expect(told.map(one => one.notice)).toEqual(['addressAdded'])
  }
  await settle(server)
})

it('one code of one person many times at once: one address, one notice', async () => {
  const person = await signedIn(server, 'once@x.test')
  const { challengeId, code } = await beginAddress(server, person, 'once-more@x.test')
  const answers = await crowd(times(30, () => at(person, 'identifiers/verify', { challengeId, code })()))
  expect(tally(answers)).toEqual({ 200: 1, challenge_used: 29 })
  expect(await noticesTo(server, person.to)).toHaveLength(1)
  await settle(server)
})

it('two primaries at once: one address of the type is primary', async () => {
  const person = await signedIn(server, 'first@x.test')
  for (const to of ['second@x.test', 'third@x.test']) await addAddress(server, person, to)
  const answers = await crowd(
    ['second@x.test', 'third@x.test'].flatMap(value =>
      times(10, () => at(person, 'identifiers/primary', { type: 'email', value })()),
    ),
  )
  expect(tally(answers)).toEqual({ 200: 20 })
  expect((await addressesOf(person)).filter(one => one.isPrimary)).toHaveLength(1)
  await settle(server)
})

it('all sessions ended from all of them at once: at most one is left, and none is ended twice', async () => {
  const people = []
  for (let index = 0; index < 10; index++) people.push(await signedIn(server, 'many@x.test'))
  const answers = await crowd(people.map(person => at(person, 'sessions/end-others', {})))
  const ended = answers.filter(one => one.status === 200).reduce((sum, one) => sum + one.body.ended, 0)
  const live = await Promise.all(people.map(person => person.get()))
  expect(live.filter(one => one.status === 200)).toHaveLength(people.length - ended)
  expect(ended).toBeGreaterThanOrEqual(people.length - 1)
  await settle(server)
})
