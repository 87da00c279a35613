"""``emberwatch demo``: the whole product on a made-up world.

``scenario`` who lives in it and what is true · ``people`` draws them · ``leaks`` what leaked of them, as files ·
``place`` folder and settings · ``run`` the main job · ``table`` what came of it, compared with the truth.
"""
