import { OstiaryAccount } from './account/account.ts'

export { type AccountEvents, OstiaryAccount } from './account/account.ts'

if (!customElements.get('ostiary-account')) customElements.define('ostiary-account', OstiaryAccount)

declare global {
  interface HTMLElementTagNameMap {
    'ostiary-account': OstiaryAccount
  }
}
