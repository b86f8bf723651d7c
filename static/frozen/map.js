// The map of the frozen site: the live one, with search of its own.

import { search } from "./search.js";

globalThis.frozen.search = search;
