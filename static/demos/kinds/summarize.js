import { rewriting } from "../rewriting.js";

rewriting("summarize");
