// The inbox page. Messages come from outside: they are only ever set as text, and the HTML part stays in its frame.
const at = id => document.getElementById(id)
const KEPT = 50
const FORMS = ['html', 'text', 'source']
const STATUS = { queued: 'Queued', sent: 'Delivered', failed: 'Failed' }

let messages = []
let shown = null
let form = 'html'

// Live update

async function watch() {
  let failures = 0
  for (;;) {
    try {
      await round(failures > 0)
      failures = 0
    } catch {
      failures += 1
      say('lost', 'Not connected, trying again')
      await sleep(Math.min(15_000, 500 * 2 ** failures))
    }
  }
}

let openRounds = 0

// Waits for what is newer than the newest; before that it takes all anew on the first round, after a failure and
// while a message is still queued. A hidden tab only looks now and then: a browser has few connections to an origin,
// and each waiting tab would hold one.
async function round(isAnew) {
  if (isAnew || shown === null || openRounds > 0) take(await load(''))
  say('live', 'Live')
  openRounds = messages.some(message => message.status === 'queued') ? openRounds + 1 : 0
  if (document.hidden) await sleep(3000)
  const query = new URLSearchParams({
    wait: document.hidden ? 0 : openRounds > 0 ? Math.min(5, openRounds) : 25,
  })
  if (messages.length > 0) query.set('after', messages[0].id)
  const fresh = await load(`?${query}`)
  if (fresh.length === 0) return sleep(200)
  take([...fresh, ...messages].slice(0, KEPT))
  if (fresh.some(message => message.status === 'queued')) openRounds = 1
  at('announce').textContent = `New message to ${fresh[0].to}: ${fresh[0].subject}`
}

async function load(query) {
  const answer = await fetch(`/dev/inbox/messages${query}`, {
    signal: AbortSignal.timeout(40_000),
    cache: 'no-store',
  })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  return (await answer.json()).data
}

function sleep(ms) {
  return new Promise(resolve => setTimeout(resolve, ms))
}

function say(state, text) {
  at('state').dataset.state = state
  if (at('state-text').textContent !== text) at('state-text').textContent = text
}

// List

function take(next) {
  messages = next
  const isEmpty = messages.length === 0
  at('blank').hidden = !isEmpty
  at('list-area').hidden = isEmpty
  at('main').classList.toggle('filled', !isEmpty)
  drawList()
  choose()
}

function drawList() {
  const rows = new Map([...at('list').children].map(row => [row.dataset.id, row]))
  for (const [place, message] of messages.entries()) {
    const row = rows.get(message.id) ?? newRow(message)
    rows.delete(message.id)
    const mark = row.querySelector('.mark')
    mark.textContent = STATUS[message.status] ?? message.status
    mark.dataset.status = message.status
    if (at('list').children[place] !== row) at('list').insertBefore(row, at('list').children[place] ?? null)
  }
  for (const row of rows.values()) row.remove()
  tellAges()
}

function newRow(message) {
  const age = element('time', { className: 'age', dateTime: message.createdAt })
  const link = element('a', { href: `#${message.id}` }, [
    element('span', { className: 'who', textContent: message.to }),
    age,
    element('span', { className: 'about', textContent: message.subject }),
    element('span', { className: 'mark' }),
  ])
  const row = element('li', {}, [link])
  row.dataset.id = message.id
  return row
}

function element(name, properties, children = []) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

function tellAges() {
  for (const time of document.querySelectorAll('time.age')) time.textContent = age(new Date(time.dateTime))
}

function age(when) {
  const seconds = Math.max(0, Math.round((Date.now() - when.getTime()) / 1000))
  if (seconds < 10) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return when.toLocaleDateString()
}

// Detail: #msg_… is that message, #chl_… the newest of that challenge, no hash the newest of all.

function choose() {
  const wanted = location.hash.slice(1)
  const chosen = messages.find(message => message.id === wanted || message.challengeId === wanted)
  document.body.toggleAttribute('data-chosen', chosen !== undefined)
  show(chosen ?? messages[0] ?? null)
}

function show(message) {
  at('detail').hidden = message === null
  if (message === null) return
  for (const row of at('list').children) {
    const link = row.firstElementChild
    if (row.dataset.id === message.id) link.setAttribute('aria-current', 'true')
    else link.removeAttribute('aria-current')
  }
  if (shown?.id === message.id && shown.status === message.status) return
  const isNew = shown?.id !== message.id
  shown = message
  fillFacts(message)
  fillProofs(message)
  at('text').textContent = message.text
  at('source').textContent = message.source
  if (isNew) {
    at('detail').scrollTop = 0
    // Not by src: each new address would be a step in the tab's history.
    at('frame').contentWindow.location.replace(`/dev/inbox/messages/${encodeURIComponent(message.id)}/html`)
    at('code-say').textContent = 'Click to copy'
    at('code').removeAttribute('data-copied')
  }
}

function fillFacts(message) {
  at('subject').textContent = message.subject
  at('to').textContent = message.to
  at('from').textContent = message.from
  at('time').textContent = new Date(message.sentAt ?? message.createdAt).toLocaleString()
  at('tag').textContent = message.tag ?? ''
  at('challenge').textContent = message.challengeId ?? 'none: a security notice'
  const mark = element('span', { className: 'mark', textContent: STATUS[message.status] ?? message.status })
  mark.dataset.status = message.status
  at('status').replaceChildren(mark)
  if (message.reply) at('status').append(element('span', { className: 'reply', textContent: message.reply }))
}

function fillProofs(message) {
  at('code').hidden = message.code === null
  at('digits').textContent = message.code ? grouped(message.code) : ''
  at('link-area').hidden = message.link === null
  at('link').textContent = message.link ?? ''
  const canOpen = message.link !== null && /^https?:\/\//i.test(message.link)
  at('open-link').hidden = !canOpen
  if (canOpen) at('open-link').href = message.link
  else at('open-link').removeAttribute('href')
}

/** Codes are read in two halves: 123 456, 12345 67890. */
function grouped(code) {
  const half = Math.ceil(code.length / 2)
  return /^\d{6,10}$/.test(code) ? `${code.slice(0, half)} ${code.slice(half)}` : code
}

// Copying

async function copy(text, button, label) {
  const before = button.dataset.label ?? label.textContent
  button.dataset.label = before
  try {
    await navigator.clipboard.writeText(text)
    label.textContent = 'Copied'
    button.dataset.copied = ''
  } catch {
    label.textContent = 'Could not copy: select it by hand'
  }
  at('announce').textContent = label.textContent
  setTimeout(() => {
    label.textContent = before
    delete button.dataset.copied
  }, 2000)
}

at('code').addEventListener('click', () => copy(shown.code, at('code'), at('code-say')))
at('copy-link').addEventListener('click', () => copy(shown.link, at('copy-link'), at('copy-link')))
at('copy-try-it').addEventListener('click', () =>
  copy(at('try-it').textContent, at('copy-try-it'), at('copy-try-it')),
)

// Tabs

function showForm(next) {
  form = next
  for (const name of FORMS) {
    const isChosen = name === form
    at(`tab-${name}`).setAttribute('aria-selected', String(isChosen))
    at(`tab-${name}`).tabIndex = isChosen ? 0 : -1
    at(`panel-${name}`).hidden = !isChosen
  }
}

for (const name of FORMS) {
  at(`tab-${name}`).addEventListener('click', () => showForm(name))
  at(`tab-${name}`).addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    showForm(FORMS[(FORMS.indexOf(name) + step + FORMS.length) % FORMS.length])
    at(`tab-${form}`).focus()
  })
}

// Keys: arrows move in the list, c copies the code.

at('list').addEventListener('keydown', event => {
  const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key]
  const row = step && event.target.closest('li')?.[step]
  if (!row) return
  event.preventDefault()
  row.firstElementChild.focus()
  // On a narrow screen choosing hides the list: there, Enter chooses.
  if (matchMedia('(min-width: 820px)').matches) location.replace(`#${row.dataset.id}`)
})

document.addEventListener('keydown', event => {
  if (event.key !== 'c' || event.ctrlKey || event.metaKey || event.altKey) return
  if (shown?.code) copy(shown.code, at('code'), at('code-say'))
})

addEventListener('hashchange', () => {
  const before = shown?.id
  choose()
  const isNarrow = !matchMedia('(min-width: 820px)').matches
  if (!isNarrow) return
  if (document.body.hasAttribute('data-chosen')) at('detail').focus()
  else [...at('list').children].find(row => row.dataset.id === before)?.firstElementChild.focus()
})

at('try-it').textContent = at('try-it').textContent.replace('ORIGIN', location.origin)
showForm('html')
setInterval(tellAges, 10_000)
watch()
