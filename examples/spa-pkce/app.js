import { key, server } from './settings.js'

// An app of files only. The verifier never leaves this tab, so nobody else can redeem the result (RFC 7636).
const redirectUrl = `${location.origin}/`
const who = document.querySelector('#who')
const base64url = bytes =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))

document.querySelector('#sign-in').addEventListener('click', async () => {
  const verifier = random()
  const state = random()
  sessionStorage.setItem('signIn', JSON.stringify({ verifier, state }))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  const codeChallenge = base64url(new Uint8Array(digest))
  location.assign(`${server}/sign-in?${new URLSearchParams({ key, redirectUrl, state, codeChallenge })}`)
})

const query = new URLSearchParams(location.search)
const begun = JSON.parse(sessionStorage.getItem('signIn') ?? '{}')
if (query.has('state')) {
  sessionStorage.removeItem('signIn')
  // The token works once: it has no place in the address bar or the history.
  history.replaceState(null, '', '/')
  if (query.get('state') !== begun.state) who.textContent = 'Another tab began this sign-in.'
  else if (query.has('error')) who.textContent = `Not signed in: ${query.get('error')}`
  else who.textContent = `Signed in as ${(await signedIn(query.get('token'), begun.verifier)).email}`
}

async function signedIn(token, codeVerifier) {
  const { tokens } = await call('POST', '/client/v1/actions/validate', key, { token, codeVerifier })
  return call('GET', '/client/v1/me', tokens.accessToken)
}

async function call(method, path, bearer, body) {
  const answer = await fetch(`${server}${path}`, {
    method,
    headers: { Authorization: `Bearer ${bearer}`, ...(body && { 'Content-Type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const value = await answer.json()
  if (answer.ok) return value
  who.textContent = `Not signed in: ${value.code}`
  throw new Error(value.detail)
}
