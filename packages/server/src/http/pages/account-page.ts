import { html, raw } from '../../core/markup.ts'
import { webAddress } from './addresses.ts'
import { policy } from './headers.ts'
import type { Page } from './link-page.ts'
import { attributes, document, type SignInElement, type SignInLook } from './sign-in-page.ts'

/**
 * The page of `GET /account`: the account element in the shell of the sign-in page. It holds nothing of anybody: the element
 * asks for it, as whoever signs in there. Without a script there is nothing to be done here, and it says so.
 */
export function accountPage(look: SignInLook, element: SignInElement): Page {
  const { nonce, texts, settings } = look
  const title = texts.say('account.title')
  const body = html`<ostiary-account${attributes(element.attributes)}><div class="card"><h1>${texts.say('account.starting')}</h1></div></ostiary-account>
<div class="card" id="failed"><h1>${title}</h1><p class="lead">${texts.say('account.trouble.network')}</p></div>
<div class="card" id="plain"><h1>${title}</h1><p class="lead">${texts.say('account.noScript')}</p></div>
<script nonce="${nonce}" type="module" src="/element/account.js?v=${element.version}"></script>`
  const logo = webAddress(settings?.brand.logoUrl ?? null)
  return {
    html: document(title, look, body, html`<script nonce="${nonce}">${raw(AWAIT)}</script>`, 'account'),
    csp: policy({
      script: `'nonce-${nonce}'`,
      connect: "'self'",
      style: `'nonce-${nonce}'`,
      ...(logo && { image: logo.origin }),
    }),
  }
}

// A script that cannot be loaded leaves a sentence, not a page that waits for ever.
const AWAIT = `const root=document.documentElement;root.classList.add('js')
addEventListener('error',()=>{if(!customElements.get('ostiary-account'))root.className='failed'},true)`
