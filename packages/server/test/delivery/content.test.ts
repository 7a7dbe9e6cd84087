import { expect, test } from 'vitest'
import { openContent, sealContent } from '../../src/core/messages/content.ts'
import { keyring } from './fake-store.ts'

const content = { code: '481920', link: null }

test('sealed content opens for its own message only, and shows nothing', () => {
  const sealed = sealContent(keyring, 'env_1', 'msg_1', content)
  expect(openContent(keyring, 'env_1', 'msg_1', sealed)).toEqual(content)
  expect(openContent(keyring, 'env_2', 'msg_1', sealed)).toBeNull()
  expect(openContent(keyring, 'env_1', 'msg_2', sealed)).toBeNull()
  expect(
    openContent(
      keyring,
      'env_1',
      'msg_1',
      sealed.replace(/.(?=.{20}$)/, char => (char === 'A' ? 'B' : 'A')),
    ),
  ).toBeNull()
  expect(`${sealed}${Buffer.from(sealed, 'base64url')}`).not.toContain('481920')
})
