// Show each line that the run prints, and reload the page at its end.
const log = document.getElementById("log");
log.textContent = "";
const source = new EventSource(log.dataset.events);
source.onmessage = (event) => { log.append(event.data + "\n"); };
source.addEventListener("end", () => { source.close(); location.reload(); });
source.onerror = () => { source.close(); setTimeout(() => location.reload(), 3000); };
