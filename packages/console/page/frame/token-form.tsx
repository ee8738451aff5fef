import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";

/** Takes the bearer token of a server that asks for one. It is kept until the tab closes. */
export function TokenForm({ api }: { readonly api: Api }): JSX.Element {
  const [isSet, setIsSet] = useState(api.token.get() !== "");
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const token = new FormData(form).get("token");
    api.token.set(typeof token === "string" ? token.trim() : "");
    location.reload();
  };
  const forget = (): void => {
    api.token.set("");
    setIsSet(false);
    location.reload();
  };
  if (isSet) {
    return (
      <button type="button" class="quiet" onClick={forget}>
        Forget token
      </button>
    );
  }
  return (
    <details class="token">
      <summary>Token</summary>
      <form onSubmit={onSubmit}>
        <label>
          Bearer token
          <input name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit">Use</button>
      </form>
    </details>
  );
}
