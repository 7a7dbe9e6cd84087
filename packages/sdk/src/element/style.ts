import { css } from 'lit'

/** The frame, in the shadow: everything but the form. */
export const frameStyle = css`
:host{display:block;width:100%;max-width:var(--ostiary-width,27rem);margin-inline:auto;box-sizing:border-box;color:var(--o-text);
font:400 1rem/1.5 var(--o-font);text-align:start;-webkit-text-size-adjust:100%;text-size-adjust:100%}
:host([hidden]){display:none}
*{box-sizing:border-box}
.card{background:var(--o-background);border:1px solid var(--o-line);border-radius:calc(var(--o-radius)*2);padding:2rem;
box-shadow:0 1px 2px #0000000a,0 12px 32px #0000000f;overflow-wrap:anywhere}
header{display:flex;align-items:center;gap:.625rem;margin:0 0 1.75rem;font-weight:600;min-height:2rem}
header img{height:2rem;max-width:9rem;object-fit:contain}
header .dot{flex:none;width:.75rem;height:.75rem;border-radius:50%;background:var(--o-primary);border:1px solid var(--o-edge)}
h1{margin:0;font-size:1.5rem;font-weight:650;line-height:1.25;letter-spacing:-.014em;text-wrap:pretty}
h1:focus{outline:none}
.lead{margin:.5rem 0 0;color:var(--o-muted);text-wrap:pretty}
.lead,.help{overflow-wrap:normal}
.address{display:inline-block;max-width:100%;overflow-wrap:anywhere}
.address strong{color:var(--o-text);font-weight:600}
slot{display:block}
.trouble,.notice{display:flex;gap:.625rem;margin:1.25rem 0 0;padding:.75rem .875rem;border-radius:var(--o-radius);background:var(--o-soft);border:1px solid var(--o-line);font-size:.9375rem}
.trouble svg{color:var(--o-danger);margin-top:.125rem}
.notice svg{color:var(--o-edge);margin-top:.125rem}
.trouble p,.notice p{margin:0}
.trouble small{display:block;color:var(--o-muted);font-size:.8125rem}
svg{flex:none;width:1.25rem;height:1.25rem;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
button,a.button{font:inherit;cursor:pointer}
.main{display:flex;align-items:center;justify-content:center;width:100%;min-height:3rem;margin:1.5rem 0 0;padding:.625rem 1.25rem;font-weight:600;
color:var(--o-on-primary);background:var(--o-primary);border:1px solid var(--o-edge);border-radius:var(--o-radius);text-decoration:none;transition:filter .12s}
.main:hover{filter:brightness(1.07)}
.main:active{filter:brightness(.94)}
.ghost{gap:.625rem;color:var(--o-text);background:var(--o-background);border-color:var(--o-field);margin-top:.75rem}
.ghost svg{color:var(--o-edge)}
.ghost:hover{background:var(--o-soft);filter:none}
.options{display:grid;gap:.75rem;margin:1.5rem 0 0}
.option{display:flex;flex-wrap:wrap;align-items:center;gap:.875rem;width:100%;min-height:4rem;padding:.75rem 1rem;text-align:start;
color:var(--o-text);background:var(--o-background);border:1px solid var(--o-field);border-radius:var(--o-radius);transition:background .12s}
.option:hover{background:var(--o-soft)}
.option span+span{flex:1 1 6rem;min-width:0}
.option .turn{flex:none;display:grid;color:var(--o-muted)}
.option .icon{flex:none;display:grid;place-items:center;width:2.25rem;height:2.25rem;border-radius:50%;background:var(--o-soft);color:var(--o-edge)}
.option b{display:block;font-weight:600}
.option small{display:block;color:var(--o-muted);font-size:.875rem;line-height:1.35}
[aria-disabled=true]{cursor:progress;opacity:.65}
:host(:dir(rtl)) .turn{transform:scaleX(-1)}
.more{margin:1.5rem 0 -.75rem;padding:.5rem 0 0;border-top:1px solid var(--o-line);font-size:.9375rem;color:var(--o-muted)}
.row{display:flex;flex-wrap:wrap;align-items:center;column-gap:1.25rem}
.quiet{display:inline-flex;align-items:center;min-height:2.75rem;padding:.375rem 0;border:0;background:none;color:var(--o-text);font:inherit;font-size:.9375rem;text-align:start;
text-decoration:underline;text-decoration-color:var(--o-field);text-underline-offset:.25em;text-decoration-thickness:1px}
.quiet:hover{text-decoration-color:currentColor}
.wait{display:flex;align-items:center;min-height:2.75rem;margin:0;padding:.375rem 0;font-variant-numeric:tabular-nums}
details{margin:0}
summary{display:flex;align-items:center;min-height:2.75rem;padding:.375rem 0;cursor:pointer;list-style:none;color:var(--o-text);gap:.375rem}
summary::-webkit-details-marker{display:none}
summary svg{width:1rem;height:1rem;color:var(--o-muted);transition:transform .15s}
details[open] summary svg{transform:rotate(90deg)}
:host(:dir(rtl)) summary svg{transform:scaleX(-1)}
:host(:dir(rtl)) details[open] summary svg{transform:rotate(90deg)}
.help{margin:0 0 .5rem;padding-inline-start:1.25rem}
.help li{margin:.125rem 0}
.waiting{display:flex;align-items:center;gap:.75rem;margin:1.5rem 0 0;padding:.875rem 1rem;border-radius:var(--o-radius);background:var(--o-soft);font-size:.9375rem}
.facts{margin:.875rem 0 0;font-size:.9375rem;color:var(--o-muted)}
.facts p{margin:0}
.tag{font:600 .9375rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em;color:var(--o-text);padding:.1875rem .3125rem .1875rem .4375rem;border-radius:.25rem;background:var(--o-soft);border:1px solid var(--o-line)}
.pulse{flex:none;display:inline-flex;gap:.25rem;color:var(--o-edge)}
.pulse i{width:.4375rem;height:.4375rem;border-radius:50%;background:currentColor;animation:o-pulse 1.2s infinite ease-in-out}
.pulse i:nth-child(2){animation-delay:.16s}
.pulse i:nth-child(3){animation-delay:.32s}
@keyframes o-pulse{0%,70%,100%{opacity:.25}35%{opacity:1}}
.number{display:block;margin:1.5rem 0 0;padding:1.25rem;border-radius:var(--o-radius);background:var(--o-soft);border:1px solid var(--o-line);text-align:center;
font:650 4rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.16em;text-indent:.16em;font-variant-numeric:tabular-nums}
.badge{display:grid;place-items:center;width:3rem;height:3rem;margin:0 0 1.25rem;border-radius:50%;background:var(--o-soft);color:var(--o-edge)}
.badge svg{width:1.5rem;height:1.5rem}
.badge.good{background:var(--o-primary);color:var(--o-on-primary)}
:focus-visible{outline:3px solid var(--o-text);outline-offset:2px}
.heard{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.enter{animation:o-enter .18s ease-out}
@keyframes o-enter{from{opacity:0;transform:translateY(4px)}}
@media(max-width:26rem){.card{padding:1.5rem 1.25rem}header{margin-bottom:1.375rem}h1{font-size:1.375rem}.number{font-size:3.25rem}}
@media(prefers-reduced-motion:reduce){.pulse i,.enter{animation:none}.main,.option,summary svg{transition:none}}
@media(forced-colors:active){.main,.option{border:2px solid ButtonText}header .dot,.pulse i{forced-color-adjust:none;background:CanvasText}}
`

/** The form, in the page's own tree, where password managers see it. Its colors come down from the frame. */
export const FORM_STYLE = `
ostiary-sign-in form.ostiary-form{display:block;container-type:inline-size;margin:1.5rem 0 0;padding:0;font:400 1rem/1.5 var(--o-font);color:var(--o-text)}
ostiary-sign-in .ostiary-form *{box-sizing:border-box}
ostiary-sign-in .ostiary-label{display:block;margin:0 0 .375rem;padding:0;font-size:.9375rem;font-weight:600;color:var(--o-text)}
ostiary-sign-in .ostiary-input{display:block;width:100%;height:auto;min-height:3rem;margin:0;padding:.625rem .875rem;font:inherit;font-size:max(16px,1.0625rem);line-height:1.5;color:var(--o-text);background:var(--o-background);
border:1px solid var(--o-field);border-radius:var(--o-radius);box-shadow:none;appearance:none;caret-color:var(--o-edge)}
ostiary-sign-in .ostiary-input:focus{outline:2px solid var(--o-edge);outline-offset:0;border-color:var(--o-edge)}
ostiary-sign-in .ostiary-input[aria-invalid=true]{border-color:var(--o-danger)}
ostiary-sign-in .ostiary-input[aria-invalid=true]:focus{outline-color:var(--o-danger)}
ostiary-sign-in .ostiary-code{min-height:3.75rem;font:600 min(max(16px,1.75rem),12cqi)/1.25 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.3em;text-align:center;text-indent:.3em;padding-inline:.25rem;font-variant-numeric:tabular-nums}
ostiary-sign-in .ostiary-code[data-length="8"]{letter-spacing:.18em;text-indent:.18em}
ostiary-sign-in .ostiary-code[data-length="10"]{font-size:min(max(16px,1.5rem),12cqi);letter-spacing:.1em;text-indent:.1em}
ostiary-sign-in .ostiary-error{margin:.5rem 0 0;font-size:.9375rem;font-weight:500;color:var(--o-danger)}
ostiary-sign-in .ostiary-error:empty{margin:0}
ostiary-sign-in .ostiary-hint{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;margin:.625rem 0 0;font-size:.9375rem;color:var(--o-muted)}
ostiary-sign-in .ostiary-tag{font:600 .9375rem/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.12em;color:var(--o-text);padding:.1875rem .3125rem .1875rem .4375rem;border-radius:.25rem;background:var(--o-soft);border:1px solid var(--o-line)}
ostiary-sign-in .ostiary-button{display:flex;align-items:center;justify-content:center;width:100%;min-height:3rem;margin:1.25rem 0 0;padding:.625rem min(1.25rem,4cqi);font:inherit;font-weight:600;text-transform:none;letter-spacing:normal;
color:var(--o-on-primary);background:var(--o-primary);border:1px solid var(--o-edge);border-radius:var(--o-radius);box-shadow:none;cursor:pointer;transition:filter .12s}
ostiary-sign-in .ostiary-button:hover{filter:brightness(1.07)}
ostiary-sign-in .ostiary-button:active{filter:brightness(.94)}
ostiary-sign-in .ostiary-button[aria-disabled=true]{cursor:progress;filter:saturate(.6) opacity(.75)}
ostiary-sign-in .ostiary-button:focus-visible{outline:3px solid var(--o-text);outline-offset:2px}
@media(prefers-reduced-motion:reduce){ostiary-sign-in .ostiary-button{transition:none}}
@media(forced-colors:active){ostiary-sign-in .ostiary-button{border:2px solid ButtonText}}
`
