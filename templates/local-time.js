// Shows times in the reader's own zone. Without this script they stay as the server wrote them, in UTC.
const format = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })

for (const time of document.querySelectorAll('time[data-local]')) {
  const at = new Date(time.dateTime)
  if (!Number.isNaN(at.getTime())) time.textContent = format.format(at)
}
