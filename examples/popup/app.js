import { createClient, signInByPopup } from './browser.js'
import { key, server } from './settings.js'

// The person stays on this page; the code is typed in a window of Ostiary's.
const who = document.querySelector('#who')

document.querySelector('#sign-in').addEventListener('click', async () => {
  who.textContent = ''
  try {
    const result = await signInByPopup({ server, key, redirectUrl: `${location.origin}/` })
    const { user } = await createClient({ server, key }).validate(result.token, result.codeVerifier)
    who.textContent = `Signed in as ${user.email}`
  } catch (error) {
    who.textContent = `Not signed in: ${error.code}`
  }
})
