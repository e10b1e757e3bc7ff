// Shows and hides masked fields. Nothing on the pages needs this script: without it the buttons stay hidden.
const buttons = document.querySelectorAll('button[data-reveal]')

function show(button, visible) {
  const field = document.getElementById(button.getAttribute('data-reveal'))
  field.setAttribute('type', visible ? 'text' : 'password')
  button.textContent = visible ? 'Hide' : 'Show'
  button.setAttribute('aria-label', `${button.textContent} ${button.getAttribute('data-label')}`)
}

for (const button of buttons) {
  button.hidden = false
  button.addEventListener('click', () => show(button, button.textContent === 'Show'))
}

// Masked again before leaving, so that browsers remember nothing that was shown.
for (const form of document.querySelectorAll('form[data-secrets]')) {
  form.addEventListener('submit', () => {
    for (const button of buttons) show(button, false)
  })
}

// A page that comes back from the browser's own memory would still hold what was typed.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})

document.querySelector('#problems, #notice')?.focus()
