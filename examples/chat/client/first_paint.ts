import { showTheme } from "./theme.ts";

showTheme();
