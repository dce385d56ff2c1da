// The keyboard. Which key does what is in the page: an element with aria-keyshortcuts is pressed by
// its key. Never with a modifier, never where somebody types.

/** An element's key, as it is written in the page: one character, or `Escape`. */
const ATTRIBUTE = "aria-keyshortcuts";

const elements = (): HTMLElement[] => [
  ...document.querySelectorAll<HTMLElement>(`[${ATTRIBUTE}]`),
];

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches("input, select, textarea, dialog *"));

const openMenu = (): HTMLDetailsElement | null =>
  document.querySelector<HTMLDetailsElement>("details.menu[open]");

const closeMenu = (menu: HTMLDetailsElement): void => {
  const hadFocus = menu.contains(document.activeElement);
  menu.open = false;
  if (hadFocus) menu.querySelector("summary")?.focus();
};

/** Presses an element; a menu is opened at its first field, a field is gone to. */
const press = (element: HTMLElement): void => {
  if (element.matches("input")) {
    element.focus();
    return;
  }
  element.click();
  const menu = element.matches("summary")
    ? element.closest<HTMLDetailsElement>("details")
    : null;
  menu
    ?.querySelector<HTMLElement>("a, input:not([type=hidden]), select")
    ?.focus();
};

/** The dialog that tells the keys of this page; made when it is wanted. */
const help = (): HTMLDialogElement => {
  document.querySelector("dialog.keys")?.remove();
  const dialog = document.createElement("dialog");
  dialog.className = "keys card";
  dialog.setAttribute("aria-labelledby", "keys");
  const heading = document.createElement("h2");
  heading.id = "keys";
  heading.textContent = "Keys";
  const list = document.createElement("dl");
  const add = (key: string, words: string): void => {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const kbd = document.createElement("kbd");
    kbd.textContent = key === "Escape" ? "Esc" : key;
    term.append(kbd);
    const told = document.createElement("dd");
    told.textContent = words;
    row.append(term, told);
    list.append(row);
  };
  for (const element of elements()) {
    const words = element.dataset["does"] ?? element.textContent ?? "";
    add(element.getAttribute(ATTRIBUTE) ?? "", words.trim());
  }
  add("?", "These keys");
  const form = document.createElement("form");
  form.method = "dialog";
  const close = document.createElement("button");
  close.textContent = "Close";
  form.append(close);
  dialog.append(heading, list, form);
  document.body.append(dialog);
  return dialog;
};

const pressed = (event: KeyboardEvent): void => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
    return;
  const menu = openMenu();
  if (event.key === "Escape" && menu) {
    closeMenu(menu);
    return;
  }
  if (isTyping(event.target)) return;
  if (event.key === "?") {
    event.preventDefault();
    help().showModal();
    return;
  }
  const wanted = event.key.toLowerCase();
  const found = elements().find(
    (element) => element.getAttribute(ATTRIBUTE)?.toLowerCase() === wanted,
  );
  // With Shift a letter is another; where a sign needs it, it is not.
  if (!found || (event.shiftKey && /^[a-z]$/.test(wanted))) return;
  event.preventDefault();
  press(found);
};

/** Begins to listen. */
export const listen = (): void => {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    const menu = openMenu();
    if (menu && event.target instanceof Node && !menu.contains(event.target))
      menu.open = false;
  });
  const button = document.createElement("button");
  button.className = "plain";
  button.textContent = "Keys (?)";
  button.addEventListener("click", () => help().showModal());
  document.querySelector("footer")?.append(button);
};
