import { type PagePalette, pagePalettes } from '../../core/brand/page-palette.ts'
import type { BrandColors } from '../../core/brand/palette.ts'

/** The style sheet of the link page. Colors and radius are checked here: the rest is constant. */
export function linkStyle(brand: { light: BrandColors; dark: BrandColors }, radius: number): string {
  const corner = Number.isFinite(radius) ? Math.min(32, Math.max(0, Math.round(radius))) : 8
  const { light, dark } = pagePalettes(brand)
  return `:root{color-scheme:light dark;--radius:${corner}px;${variables(light)}}
@media (prefers-color-scheme:dark){:root{${variables(dark)}}}
${RULES}`
}

function variables(colors: PagePalette): string {
  return Object.entries(colors)
    .map(([name, color]) => `--${name}:${color}`)
    .join(';')
}

const RULES = `*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;grid-template-rows:1fr auto 2fr;justify-items:center;padding:24px 16px;
background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.column{grid-row:2;width:100%;max-width:440px;min-width:0}
header{display:flex;align-items:center;gap:10px;margin:0 0 20px;padding:0 4px;font-weight:600;overflow-wrap:anywhere}
header img{height:32px;max-width:160px;object-fit:contain}
header .dot{flex:none;width:12px;height:12px;border-radius:50%;background:var(--primary);border:1px solid var(--edge)}
main{background:var(--background);border:1px solid var(--line);border-radius:calc(var(--radius)*1.5);padding:32px;box-shadow:0 1px 2px #0000000a,0 8px 24px #0000000a}
h1{margin:0;font-size:1.625rem;line-height:1.2;letter-spacing:-.015em;text-wrap:balance;overflow-wrap:anywhere}
[dir=rtl] h1{letter-spacing:0}
.who{margin:6px 0 0;font-size:1.0625rem;overflow-wrap:anywhere}
.who span,.soft{color:var(--muted)}
dl{margin:24px 0 0;display:grid;grid-template-columns:auto 1fr;column-gap:20px;border-top:1px solid var(--line)}
dl>div{display:grid;grid-template-columns:subgrid;grid-column:1/-1;padding:11px 0;border-bottom:1px solid var(--line)}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
dd small{display:block;color:var(--muted);font-size:.875rem}
.tag{font:600 1rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.14em}
form{margin:28px 0 0}
form p{margin:0 0 16px}
label{display:block;margin:0 0 6px;font-weight:600}
input{display:block;width:100%;padding:10px 14px;font:600 1.5rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.2em;text-align:center;
color:var(--text);background:var(--background);border:1px solid var(--muted);border-radius:var(--radius)}
button{width:100%;min-height:52px;padding:12px 20px;font:inherit;font-weight:600;font-size:1.0625rem;color:var(--onPrimary);background:var(--primary);
border:1px solid var(--edge);border-radius:var(--radius);cursor:pointer}
button:hover{filter:brightness(1.06)}
button:active{filter:brightness(.94)}
:focus-visible{outline:3px solid var(--text);outline-offset:3px}
.life{margin:12px 0 0;text-align:center;font-size:.9375rem;color:var(--muted)}
.text{margin:12px 0 0}
.next{margin:20px 0 0;padding:14px 16px;border-inline-start:3px solid var(--edge);background:var(--page);border-start-end-radius:var(--radius);border-end-end-radius:var(--radius)}
footer{margin:20px 4px 0;font-size:.9375rem;color:var(--muted)}
footer p{margin:0;text-wrap:pretty}
footer a{display:inline-block;padding:12px 0;color:inherit;text-underline-offset:3px}
@media (max-width:400px){main{padding:24px 20px}h1{font-size:1.4375rem}dl{column-gap:14px}}
@media (forced-colors:active){button{border:2px solid ButtonText}}
@media print{form{display:none}}`
