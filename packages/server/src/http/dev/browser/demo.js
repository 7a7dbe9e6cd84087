// Comfort on top of plain forms: countdowns, a tidy code field, copying. Everything works without it.

const code = document.getElementById('code')
if (code) {
  const length = Number(code.dataset.length)
  code.addEventListener('input', event => {
    // Digits of any width, without the spaces and dashes that come along when a code is pasted.
    const typed = code.value.normalize('NFKC').replace(/\D/g, '').slice(0, length)
    if (typed !== code.value) code.value = typed
    const isWhole = typed.length === length && !event.inputType?.startsWith('delete')
    if (isWhole) document.getElementById('code-form').requestSubmit()
  })
  // After a wrong answer the next one replaces it; one submission at a time.
  code.select()
  document.getElementById('code-form').addEventListener('submit', event => {
    if (event.target.dataset.sent) return event.preventDefault()
    event.target.dataset.sent = 'true'
  })
  addEventListener('pageshow', () => delete document.getElementById('code-form').dataset.sent)
}

// Times in the reader's own zone, with what is left where that matters.

function clock(seconds) {
  const minutes = Math.floor(seconds / 60)
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`
}

function secondsUntil(instant) {
  return Math.max(0, Math.ceil((new Date(instant).getTime() - Date.now()) / 1000))
}

function tick() {
  for (const time of document.querySelectorAll('time[data-kind="left"]')) {
    const left = secondsUntil(time.dateTime)
    const at = new Date(time.dateTime).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    time.textContent = left > 0 ? `${at} (${clock(left)} left)` : 'It has expired: ask for a new one'
  }
  for (const button of document.querySelectorAll('[data-enabled-at]')) {
    const left = secondsUntil(button.dataset.enabledAt)
    button.disabled = left > 0
    button.textContent = left > 0 ? `Send again in ${clock(left)}` : 'Send again'
  }
}

for (const time of document.querySelectorAll('time:not([data-kind="left"])')) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
}
tick()
setInterval(tick, 1000)

for (const button of document.querySelectorAll('[data-copy]')) {
  const label = button.firstChild
  button.hidden = false
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent).then(
      () => (label.data = 'Copied'),
      () => (label.data = 'Not copied'),
    )
    document.getElementById('announce').textContent = label.data
    setTimeout(() => (label.data = 'Copy'), 2000)
  })
}

// The link opens in another tab: when that one is signed in, the tab that waits for the code follows.
const tabs = new BroadcastChannel('acme-notes')
if (document.body.dataset.step === '3') tabs.postMessage('signed in')
else tabs.onmessage = () => location.replace('/')
