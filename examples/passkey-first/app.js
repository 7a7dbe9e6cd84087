import { key, server } from './settings.js'

// One press asks for a passkey. Who has none here signs in by e-mail in the element, which then offers to make one. Whoever is
// signed in sees their account: passkeys, addresses, sessions.
const who = document.querySelector('#who')
const press = document.querySelector('#sign-in')
const place = document.querySelector('#place')
const base64url = bytes =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
// The verifier never leaves this tab, so nobody else can redeem the result (RFC 7636).
const codeVerifier = base64url(crypto.getRandomValues(new Uint8Array(32)))
const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(codeVerifier))
const codeChallenge = base64url(new Uint8Array(digest))

press.addEventListener('click', async () => {
  press.disabled = true
  const result = await byPasskey().catch(() => null)
  press.hidden = true
  if (result) await enter(result.token)
  else await byMail()
})

/** Null where there is no passkey, or the person gave up: browsers do not tell which. */
async function byPasskey() {
  if (!globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) return null
  const { token } = await call('/client/v1/actions', key, { codeChallenge })
  const asked = await call('/client/v1/actions/passkey', token, {})
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.publicKey)
  const credential = await navigator.credentials.get({ publicKey })
  return (await call('/client/v1/actions/verify', token, { credential: credential.toJSON() })).result
}

async function byMail() {
  await import(`${server}/element/v1.js`)
  const element = document.createElement('ostiary-sign-in')
  Object.assign(element, { server, key, codeChallenge })
  element.addEventListener('success', event => {
    event.preventDefault()
    enter(event.detail.token)
  })
  place.replaceChildren(element)
}

async function enter(resultToken) {
  const { user, tokens } = await call('/client/v1/actions/validate', key, {
    token: resultToken,
    codeVerifier,
  })
  who.textContent = `Signed in as ${user.email}`
  await import(`${server}/element/account.js`)
  const element = document.createElement('ostiary-account')
  Object.assign(element, { server, key, getAccessToken: () => tokens.accessToken })
  element.addEventListener('signed-out', () => location.reload())
  place.replaceChildren(element)
}

async function call(path, bearer, body) {
  const answer = await fetch(`${server}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const value = await answer.json()
  if (!answer.ok) throw new Error(value.detail ?? value.title)
  return value
}
