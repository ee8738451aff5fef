import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api/create-api.ts";

interface TokenFormProps {
  readonly api: Api;
  /** Called once another token is used, or none. */
  readonly onChange: () => void;
}

/** Takes the bearer token of a server that asks for one. It is kept until the tab closes. */
export function TokenForm({ api, onChange }: TokenFormProps): JSX.Element {
  const hasToken = api.token.get() !== "";
  const [isWanted, setIsWanted] = useState(false);
  useEffect(() => api.token.onWanted(() => setIsWanted(true)), [api]);
  const use = (token: string): void => {
    api.token.set(token);
    setIsWanted(false);
    onChange();
  };
  if (isWanted) {
    return (
      <section class="wanted" aria-label="Token">
        <p role="status">
          {hasToken ? "The server does not take this token." : "This server wants a token."}
        </p>
        <Form onToken={use} />
      </section>
    );
  }
  if (hasToken) {
    return (
      <button type="button" class="quiet" onClick={() => use("")}>
        Forget token
      </button>
    );
  }
  return (
    <details class="token">
      <summary>Token</summary>
      <Form onToken={use} />
    </details>
  );
}

function Form({ onToken }: { readonly onToken: (token: string) => void }): JSX.Element {
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const token = new FormData(form).get("token");
    onToken(typeof token === "string" ? token.trim() : "");
  };
  return (
    <form onSubmit={onSubmit}>
      <label>
        Bearer token
        <input name="token" type="password" autocomplete="off" required />
      </label>
      <button type="submit">Use</button>
    </form>
  );
}
