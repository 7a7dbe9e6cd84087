import { css } from 'lit'

export const accountStyle = css`
:host{display:block;width:100%;max-width:var(--ostiary-width,44rem);margin-inline:auto;box-sizing:border-box;color:var(--o-text);
font:400 1rem/1.5 var(--o-font);text-align:start;-webkit-text-size-adjust:100%;text-size-adjust:100%}
:host([hidden]){display:none}
*{box-sizing:border-box}
h1,h2,p,ul{margin:0;padding:0}
ul{list-style:none}
h1{font-size:1.5rem;font-weight:650;line-height:1.25;letter-spacing:-.014em}
h2{font-size:1.125rem;font-weight:650;line-height:1.3}
h1:focus,h2:focus{outline:none}
svg{flex:none;width:1.25rem;height:1.25rem;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.brand{display:flex;align-items:center;gap:.625rem;margin:0 0 1.75rem;font-weight:600;min-height:2rem}
.brand img{height:2rem;max-width:9rem;object-fit:contain}
.brand .dot{flex:none;width:.75rem;height:.75rem;border-radius:50%;background:var(--o-primary);border:1px solid var(--o-edge)}
.head{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.75rem 1.5rem;margin:0 0 1.5rem}
.head>div:first-child{flex:1 1 16rem;min-width:0;overflow-wrap:anywhere}
.lead{margin:.25rem 0 0;color:var(--o-muted);text-wrap:pretty}
.lead .value,.ask .value{color:var(--o-text);font-weight:600}
.sections{display:grid;gap:1.25rem}
.card{min-width:0;padding:1.5rem 1.75rem;background:var(--o-background);border:1px solid var(--o-line);border-radius:calc(var(--o-radius)*2);
box-shadow:0 1px 2px #0000000a,0 8px 24px #0000000a;overflow-wrap:anywhere}
.small{max-width:27rem;margin-inline:auto;padding:2rem}
.mark{display:grid;place-items:center;width:3rem;height:3rem;margin:0 0 1.25rem;border-radius:50%;background:var(--o-soft);color:var(--o-edge)}
.rows{margin:1rem 0 0}
.row{display:grid;grid-template-columns:2.25rem minmax(0,1fr) auto;align-items:center;gap:.25rem .875rem;padding:.75rem 0;border-top:1px solid var(--o-line)}
.icon{align-self:start;display:grid;place-items:center;width:2.25rem;height:2.25rem;margin-top:.125rem;border-radius:50%;background:var(--o-soft);color:var(--o-edge)}
.name{font-weight:600;line-height:1.35}
.what,.line{overflow:hidden}
.facts{display:flex;flex-wrap:wrap;margin-inline-start:-1.125rem;font-size:.875rem;color:var(--o-muted)}
.facts>*{position:relative;padding-inline-start:1.125rem}
.facts>:before{content:"·";position:absolute;inset-inline-start:.4375rem}
.facts:empty{display:none}
.badge{display:inline-block;margin-inline-start:.25rem;padding:.0625rem .5rem;border:1px solid var(--o-line);border-radius:1rem;background:var(--o-soft);font-size:.8125rem;font-weight:600;vertical-align:.0625rem;white-space:nowrap}
.acts{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1rem}
.end{margin:1.5rem 0 0}
.foot{margin:1rem 0 0}
button,a{font:inherit;min-height:2.75rem;cursor:pointer;text-align:center}
.main,.plain,.danger{display:inline-flex;align-items:center;justify-content:center;padding:.5rem 1.125rem;font-weight:600;text-decoration:none;border:1px solid var(--o-field);border-radius:var(--o-radius);
color:var(--o-text);background:var(--o-background);transition:background .12s,filter .12s}
.plain:hover{background:var(--o-soft)}
.main{color:var(--o-on-primary);background:var(--o-primary);border-color:var(--o-edge)}
.main:hover{filter:brightness(1.07)}
.danger{color:var(--o-danger);border-color:var(--o-danger)}
.danger:hover{background:var(--o-soft)}
.quiet{padding:.25rem 0;border:0;background:none;color:var(--o-text);font-size:.9375rem;text-decoration:underline;text-decoration-color:var(--o-field);text-underline-offset:.25em;text-decoration-thickness:1px}
.quiet:hover{text-decoration-color:currentColor}
[aria-disabled=true]{cursor:progress;opacity:.65}
.ask{grid-column:1/-1;margin:.5rem 0 .25rem;padding:1rem 1.125rem;border-radius:var(--o-radius);background:var(--o-soft);border:1px solid var(--o-line)}
.card>.ask{margin:1rem 0 0}
.ask .acts{margin:.875rem 0 0;gap:.5rem .75rem}
.ask .plain{background:none}
.sent{margin:0 0 .875rem}
label{display:block;margin:0 0 .375rem;font-size:.9375rem;font-weight:600}
input{display:block;width:100%;min-height:3rem;padding:.625rem .875rem;font:inherit;font-size:max(16px,1.0625rem);color:var(--o-text);background:var(--o-background);
border:1px solid var(--o-field);border-radius:var(--o-radius);appearance:none;caret-color:var(--o-edge)}
input:focus{outline:2px solid var(--o-edge);outline-offset:0;border-color:var(--o-edge)}
input[aria-invalid=true]{border-color:var(--o-danger)}
.code{max-width:18rem;font:600 1.5rem/1.25 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.2em;text-align:center}
.tag{font:600 .9375rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em;padding:.1875rem .3125rem .1875rem .4375rem;border-radius:.25rem;background:var(--o-background);border:1px solid var(--o-line)}
.error{margin:.5rem 0 0;font-size:.9375rem;font-weight:500;color:var(--o-danger)}
.error:empty{margin:0}
.wait{font-size:.9375rem;color:var(--o-muted);font-variant-numeric:tabular-nums}
.notice{display:flex;gap:.625rem;margin:1rem 0 0;padding:.75rem .875rem;border-radius:var(--o-radius);background:var(--o-soft);border:1px solid var(--o-line);font-size:.9375rem}
.notice svg{margin-top:.125rem;color:var(--o-edge)}
.notice.bad svg{color:var(--o-danger)}
.notice small,.reference{display:block;color:var(--o-muted);font-size:.8125rem}
.reference{max-width:27rem;margin:1rem auto 0;overflow-wrap:anywhere}
.notice+.plain{margin:1rem 0 0}
.empty{margin:1rem 0 0;color:var(--o-muted)}
.waiting{display:flex;align-items:center;gap:.75rem;margin:1rem 0 0;color:var(--o-muted)}
.line{padding:.625rem 0;border-top:1px solid var(--o-line)}
.line .name{font-weight:500}
.line .name .value{font-weight:600}
dialog{width:calc(100% - 2rem);max-width:calc(30.5rem + 2px);max-height:calc(100dvh - 2rem);margin:auto;padding:1.5rem 1.75rem 1.75rem;overflow:auto;color:var(--o-text);background:var(--o-background);border:1px solid var(--o-line);border-radius:calc(var(--o-radius)*2);
box-shadow:0 24px 64px #00000040}
dialog::backdrop{background:#0009}
dialog .head{flex-wrap:nowrap;margin:0}
dialog .lead{margin:0 0 1.5rem}
.close{display:grid;place-items:center;width:2.75rem;margin:-.5rem;padding:0;border:0;border-radius:50%;background:none;color:var(--o-text)}
.close:hover{background:var(--o-soft)}
.pulse{flex:none;display:inline-flex;gap:.25rem;color:var(--o-edge)}
.pulse i{width:.4375rem;height:.4375rem;border-radius:50%;background:currentColor;animation:o-pulse 1.2s infinite ease-in-out}
.pulse i:nth-child(2){animation-delay:.16s}
.pulse i:nth-child(3){animation-delay:.32s}
@keyframes o-pulse{0%,70%,100%{opacity:.25}35%{opacity:1}}
:focus-visible{outline:3px solid var(--o-text);outline-offset:2px}
@media(max-width:34rem){.card{padding:1.25rem}.row{grid-template-columns:2.25rem minmax(0,1fr)}.row>.acts{grid-column:2}dialog{padding:1.25rem}}
@media(max-width:21rem){.row{grid-template-columns:minmax(0,1fr)}.icon{display:none}.row>.acts{grid-column:1}.ask .acts>*{width:100%}}
@media(prefers-reduced-motion:reduce){.pulse i{animation:none}.main,.plain,.danger{transition:none}}
@media(forced-colors:active){.main,.plain,.danger{border:2px solid ButtonText}.pulse i{forced-color-adjust:none;background:CanvasText}}
`

/** Inside of the question for a fresh proof the sign-in has no frame of its own; its host stands in the page's own tree. */
export const PROOF_STYLE = `ostiary-account>ostiary-sign-in[offer=off]::part(card){padding:0;border:0;box-shadow:none;background:none}
ostiary-account>ostiary-sign-in[offer=off]::part(header){display:none}
ostiary-account>ostiary-sign-in[offer=off]::part(title){font-size:1.125rem}`
