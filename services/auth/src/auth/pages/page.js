// Sends the form together with the link's secret, which stands after the # of the address.
"use strict";

const form = document.querySelector("form");
const status = document.querySelector("[role=status]");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

// Neither the history nor a shoulder needs it any longer.
history.replaceState(null, "", location.pathname);

function say(text, isError) {
  status.textContent = text;
  status.className = isError ? "error" : "done";
}

if (!token) {
  form.hidden = true;
  say("This address is not complete: open the whole link of the mail.", true);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  say("One moment …", false);
  try {
    const answer = await fetch(form.dataset.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "omit",
      body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
    });
    if (answer.ok) {
      form.hidden = true;
      say(form.dataset.done, false);
      return;
    }
    const problem = await answer.json();
    const reasons = (problem.errors || []).map((error) => error.message);
    say([problem.title + ".", ...reasons].join(" "), true);
  } catch {
    say("Quire cannot be reached right now. Try again in a moment.", true);
  }
  button.disabled = false;
});
