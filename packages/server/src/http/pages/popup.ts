import type { PageTexts } from './page-texts.ts'

/** What a link to the page says of where it stands and where its result goes. */
interface Asked {
  display?: 'page' | 'popup' | undefined
  redirectUrl?: string | undefined
  codeChallenge?: string | undefined
}

/**
 * The origin that a page in a popup may tell its result to: that of the redirectUrl, which has to be judged before. Null where
 * the page is one like any other: nobody asked for a popup, no verifier binds the result, or there is no such origin (an
 * app of a private-use scheme).
 */
export function popupOrigin({ display, redirectUrl, codeChallenge }: Asked): string | null {
  if (display !== 'popup' || redirectUrl === undefined || codeChallenge === undefined) return null
  const url = URL.parse(redirectUrl)
  return url && /^https?:$/.test(url.protocol) ? url.origin : null
}

/** The value of `data-popup`: where the script below tells the result, and the words for when nobody takes it. */
export function popupData(origin: string, { say }: PageTexts): string {
  return JSON.stringify({
    origin,
    lost: [
      ['h1', '', say('signIn.ended.failed.title')],
      ['p', 'lead', say('signIn.ended.failed.text')],
    ],
  })
}

/**
 * Makes the page in a popup of one that stands alone. Without an opener (no popup, or cut off by the app's own
 * Cross-Origin-Opener-Policy) nothing is changed: it goes on by redirect. It listens to no message. The app closes the window when it has the
 * result; where nobody does, the person is not left with "You are signed in".
 */
export const POPUP = `if(opener){const page=document.querySelector('ostiary-sign-in'),{origin,lost}=JSON.parse(page.dataset.popup),
state=page.getAttribute('state'),tell=told=>opener?.postMessage({type:'ostiary.signIn',state,...told},origin),
make=(tag,className,textContent='')=>Object.assign(document.createElement(tag),{className,textContent}),
fail=()=>{const card=make('div','card');card.append(...lost.map(part=>make(...part)));page.replaceWith(card)};
page.removeAttribute('redirect-url');
page.addEventListener('success',event=>{event.preventDefault();tell({token:event.detail.token});setTimeout(fail,3000)});
page.addEventListener('cancel',event=>{event.preventDefault();tell({error:'cancelled'})});
tell({})}`
