import { type PagePalette, pagePalettes } from '../../core/brand/page-palette.ts'
import type { Settings } from '../../core/settings/settings.ts'

/**
 * The style sheet of the sign-in page: the shell around the element, and the plain forms, which look like the element. Colors and
 * radius are checked here; the rest is constant.
 */
export function signInStyle(brand: Settings['brand'] | null): string {
  const corner = Math.min(32, Math.max(0, Math.round(Number(brand?.radius ?? 8)) || 0))
  const colors = pagePalettes(brand?.colors ?? { light: {}, dark: {} })
  const [light, dark] = [variables(colors.light), variables(colors.dark)]
  return `:root{color-scheme:light;--radius:${corner}px;--font:${FONTS[brand?.font ?? 'system'] ?? FONTS.system};${light}}
:root[data-theme=dark]{color-scheme:dark;${dark}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${dark}}}
${RULES}`
}

const FONTS = {
  system: 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif',
  serif: 'ui-serif,Georgia,Cambria,"Times New Roman",serif',
  mono: 'ui-monospace,SFMono-Regular,Menlo,Consolas,monospace',
}

function variables(colors: PagePalette): string {
  return Object.entries(colors)
    .map(([name, color]) => `--${name}:${color}`)
    .join(';')
}

// `.js` stands while the element is on its way: the plain form keeps its place, unseen, so that nothing jumps.
const RULES = `*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;background:var(--page)}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;grid-template-rows:1fr auto 1.6fr;justify-items:center;padding:24px 16px;
background:var(--page);color:var(--text);font:400 1rem/1.5 var(--font)}
main{grid-row:2;width:100%;max-width:27rem;min-width:0}
ostiary-sign-in,ostiary-account{display:block}
.account{grid-template-rows:auto}
.account main{grid-row:1;max-width:44rem;padding-block:clamp(0px,4vh,40px)}
.account .card{max-width:27rem;margin-inline:auto}
ostiary-account>.card,#failed,.js #plain,.failed #plain{display:none}
.failed #failed,.js ostiary-account:not(:defined)>.card{display:block}
.js ostiary-sign-in:not(:defined)>.card{visibility:hidden}
.card{background:var(--background);border:1px solid var(--line);border-radius:calc(var(--radius)*2);padding:2rem;box-shadow:0 1px 2px #0000000a,0 12px 32px #0000000f;overflow-wrap:anywhere}
.brand{display:flex;align-items:center;gap:.625rem;margin:0 0 1.75rem;font-weight:600;min-height:2rem}
.brand img{height:2rem;max-width:9rem;object-fit:contain}
.brand .dot{flex:none;width:.75rem;height:.75rem;border-radius:50%;background:var(--primary);border:1px solid var(--edge)}
h1{margin:0;font-size:1.5rem;font-weight:650;line-height:1.25;letter-spacing:-.014em;text-wrap:pretty}
.intent{margin:.75rem 0 0;padding:.625rem .875rem;border-inline-start:3px solid var(--primary);background:var(--page);border-radius:0 var(--radius) var(--radius) 0}
.lead{margin:.5rem 0 0;color:var(--muted);text-wrap:pretty}
.trouble{margin:1.25rem 0 0;padding:.75rem .875rem;border:1px solid var(--danger);border-radius:var(--radius);font-size:.9375rem}
form{margin:0}
.main-form{margin:1.5rem 0 0;container-type:inline-size}
label{display:block;margin:0 0 .375rem;font-size:.9375rem;font-weight:600}
input{display:block;width:100%;min-height:3rem;margin:0;padding:.625rem .875rem;font:inherit;font-size:max(16px,1.0625rem);color:var(--text);background:var(--background);border:1px solid var(--field);border-radius:var(--radius)}
input[aria-invalid=true]{border-color:var(--danger)}
.digits{min-height:3.75rem;font:600 min(max(16px,1.75rem),12cqi)/1.25 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.2em;text-align:center;padding-inline:.25rem}
.error{margin:.5rem 0 0;font-size:.9375rem;font-weight:500;color:var(--danger)}
.facts{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;margin:.625rem 0 0;font-size:.9375rem;color:var(--muted)}
.facts p{margin:0}
.remember{display:flex;align-items:center;gap:.625rem;min-height:2.75rem;margin:1rem .25rem 0;font-weight:400;color:var(--muted);cursor:pointer}
.remember[hidden]{display:none}
.remember input{flex:none;width:1.25rem;height:1.25rem;min-height:0;accent-color:var(--primary)}
button{display:block;width:100%;min-height:3rem;margin:1.25rem 0 0;padding:.625rem 1.25rem;font:inherit;font-weight:600;color:var(--onPrimary);background:var(--primary);border:1px solid var(--edge);border-radius:var(--radius);cursor:pointer}
button:hover{filter:brightness(1.07)}
button small{display:block;font-weight:400;font-size:.875rem}
.options button{min-height:4rem;text-align:start}
.options button,form+.back button{margin:.75rem 0 0;color:var(--text);background:var(--background);border-color:var(--field)}
.number{display:block;margin:1.5rem 0 0;padding:1.25rem;border:1px solid var(--line);border-radius:var(--radius);text-align:center;font:650 4rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.16em;text-indent:.16em}
.more{display:flex;flex-wrap:wrap;column-gap:1.25rem;margin:1.5rem 0 -.75rem;padding:.5rem 0 0;border-top:1px solid var(--line);font-size:.9375rem}
.more button,.more a{display:inline-flex;align-items:center;width:auto;min-height:2.75rem;margin:0;padding:0;border:0;background:none;color:var(--text);font-weight:400;font-size:inherit;text-decoration:underline;text-decoration-color:var(--field);text-underline-offset:.25em}
.reference{margin:1.25rem 0 0;font-size:.8125rem;color:var(--muted)}
:focus-visible{outline:3px solid var(--text);outline-offset:2px}
@media(max-width:26rem){.card{padding:1.5rem 1.25rem}.brand{margin-bottom:1.375rem}h1{font-size:1.375rem}}
@media(forced-colors:active){button{border:2px solid ButtonText}}`
