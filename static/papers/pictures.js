// Portraits and logos lie on other people's servers and are gone some day: then their text, or nothing, stands there.

function giveWay(picture) {
  if (picture.alt) picture.replaceWith(picture.alt);
  else picture.remove();
}

const pictures = ".portrait, .event-image, .sponsor-logo, .sponsor-name img, .home-sponsors img";
addEventListener("error", ({ target }) => target instanceof Image && target.matches(pictures) && giveWay(target), true);
for (const picture of document.querySelectorAll(pictures)) {
  if (picture.complete && !picture.naturalWidth) giveWay(picture);
}
