import type { ComponentChildren, JSX } from "preact";

/** Something that went wrong, read out by screen readers at once. */
export function Notice({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <p class="notice" role="alert">
      {children}
    </p>
  );
}
