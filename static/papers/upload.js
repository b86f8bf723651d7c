// Files go up in pieces (tus 1.0, see papers/views/uploads.py): a broken connection is waited out, and a file chosen
// again after a reload goes on where it stopped.

const PIECE = 4_000_000;
const WAITS = [1, 2, 4, 8, 15, 30, 30, 30]; // seconds before the next attempt

class Refused extends Error {}

function metadata(values) {
  const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(values).map(([name, value]) => `${name} ${encode(value)}`).join(",");
}

class FileUpload {
  constructor(form, file) {
    this.form = form;
    this.file = file;
    this.key = `upload:${form.dataset.paper}:${form.dataset.purpose}:${file.name}:${file.size}:${file.lastModified}`;
    this.token = form.elements.csrfmiddlewaretoken.value;
  }

  async ask(url, options) {
    const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": this.token, ...options.headers };
    const response = await fetch(url, { ...options, headers });
    if (response.ok) return response;
    if (response.status >= 500 || response.status === 409) throw new Error(`status ${response.status}`);
    const told = await response.json().catch(() => ({}));
    throw Object.assign(new Refused(told.detail || `The site answered ${response.status}.`), { status: response.status });
  }

  async begin() {
    const { endpoint, paper, purpose } = this.form.dataset;
    const response = await this.ask(endpoint, {
      method: "POST",
      headers: {
        "Upload-Length": String(this.file.size),
        "Upload-Metadata": metadata({ filename: this.file.name, purpose, paper }),
      },
    });
    this.url = response.headers.get("Location");
    localStorage.setItem(this.key, this.url);
    return 0;
  }

  async resume() {
    this.url ??= localStorage.getItem(this.key);
    if (!this.url) return this.begin();
    try {
      const response = await this.ask(this.url, { method: "HEAD" });
      return Number(response.headers.get("Upload-Offset"));
    } catch (error) {
      if (!(error instanceof Refused) || ![404, 410].includes(error.status)) throw error;
      this.url = null;
      return this.begin();
    }
  }

  async send(tell) {
    let offset = await this.resume();
    do {
      tell(offset / this.file.size);
      const response = await this.ask(this.url, {
        method: "PATCH",
        headers: { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" },
        body: this.file.slice(offset, offset + PIECE),
      });
      offset = Number(response.headers.get("Upload-Offset"));
    } while (offset < this.file.size);
    tell(1);
  }

  async run(tell, wait) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.send((share) => {
          attempt = 0;
          tell(share);
        });
        localStorage.removeItem(this.key);
        return;
      } catch (error) {
        if (error instanceof Refused || attempt >= WAITS.length) {
          if (error instanceof Refused) localStorage.removeItem(this.key);
          throw error;
        }
        await wait(WAITS[attempt]);
      }
    }
  }
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const bar = form.querySelector("progress");
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = form.elements.file.files[0];
    if (!file) return;
    if (file.size > Number(form.dataset.largest)) {
      status.textContent = `${file.name} is too large: at most ${Math.floor(form.dataset.largest / 1e6)} MB.`;
      return;
    }
    button.disabled = true;
    bar.hidden = false;
    try {
      await new FileUpload(form, file).run(
        (share) => {
          bar.value = share;
          status.textContent = share < 1 ? `${Math.floor(share * 100)} % of ${file.name}` : "Checked and stored.";
        },
        (seconds) => {
          status.textContent = `The connection broke off. Trying again in ${seconds} s …`;
          return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
        },
      );
      location.reload();
    } catch (error) {
      status.textContent = error.message;
      bar.hidden = true;
      button.disabled = false;
    }
  });
}
