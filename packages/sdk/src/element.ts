import { OstiarySignIn } from './element/sign-in.ts'

export { OstiarySignIn, type SignInEvents } from './element/sign-in.ts'
export { LANGUAGES } from './element/words.ts'

if (!customElements.get('ostiary-sign-in')) customElements.define('ostiary-sign-in', OstiarySignIn)

declare global {
  interface HTMLElementTagNameMap {
    'ostiary-sign-in': OstiarySignIn
  }
}
