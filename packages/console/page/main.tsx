import { render } from "preact";
import { App } from "./app.tsx";
import { createApi } from "./api/create-api.ts";
import "./style.css";

const root = document.getElementById("app");
if (root !== null) render(<App api={createApi(window)} />, root);
